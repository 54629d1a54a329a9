#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/event_loop.h"
#include "sys/fd.h"

namespace duet::gateway {

// One request as the access log tells it. Views live during AccessLog::write only.
struct AccessRecord {
  std::string_view client;  // IP
  std::string_view method;
  std::string_view host;
  std::string_view path;        // without the query, which may hold secrets
  int status = 0;               // 0: the client went before an answer
  std::uint64_t bytes_in = 0;   // body
  std::uint64_t bytes_out = 0;  // body
  std::int64_t duration_ns = 0;
  std::string_view route;
  std::string_view backend;
  std::string_view reason;  // why it is not simply the backend's answer
  std::string_view detail;
  std::int64_t cpu_ns = 0;  // of the guest
  std::uint64_t peak_memory_bytes = 0;
  std::uint32_t outgoing = 0;
  std::uint64_t outgoing_bytes = 0;
  bool cold = false;
  std::uint32_t retries = 0;
  std::string_view retry_reason;
};

// Writes a JSON line for each request. Lines gather in a buffer that is written when it is half
// full or a moment later; when the log cannot take them (a full pipe, a full disk), whole lines are
// dropped and counted, and the next line that fits says how many. Not thread-safe.
class AccessLog {
 public:
  static constexpr std::size_t kBufferBytes = 128 << 10;
  static constexpr std::size_t kLineBytes = 4 << 10;  // longer texts are cut

  explicit AccessLog(net::EventLoop& loop);
  ~AccessLog() { flush(); }

  // Lines go to `fd` from now on. Without a descriptor they go nowhere.
  void open(sys::Fd fd);
  void write(const AccessRecord& record);
  void flush();
  std::uint64_t dropped() const { return dropped_; }

 private:
  void stamp();
  void number(std::string_view key, std::uint64_t value);
  void text(std::string_view key, std::string_view value, std::size_t limit_bytes);

  net::EventLoop& loop_;
  sys::Fd fd_;
  std::string buffer_;
  std::uint64_t dropped_ = 0;
  std::uint64_t dropped_told_ = 0;
  std::int64_t stamp_second_ = -1;
  std::string stamp_;  // of stamp_second_, without the fraction
  net::MemberTimer<AccessLog, &AccessLog::flush> timer_{*this};
};

}  // namespace duet::gateway
