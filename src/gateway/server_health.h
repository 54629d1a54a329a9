#pragma once

#include <cstdint>
#include <string_view>

namespace duet::gateway {

// When a server is left out because requests to it fail.
struct HealthPolicy {
  std::int32_t failure_limit = 3;  // failures in a row; 0: it never is
  bool counts_errors = false;      // an answer of 500 and above is a failure as well
};

// What requests have told about one server (passive health). A server that fails too often in a row
// is out for a time. Then one request tries it: if that fails as well the server is out for twice
// as long, and after an answer it is as good as any. Not thread-safe.
class ServerHealth {
 public:
  static constexpr std::int64_t kFirstOutMs = 1'000;
  static constexpr std::int64_t kLongestOutMs = 60'000;

  bool is_out(std::int64_t now_ns) const { return now_ns < out_until_ns_; }
  // A request goes there. If its time out is over, this is the one that tries, and until its end is
  // known, at most for as long as before, others keep away.
  void note_request(std::int64_t now_ns) {
    if (out_ms_ > 0 && !is_out(now_ns)) [[unlikely]] {
      trial_ = true;
      out_until_ns_ = now_ns + out_ms_ * kNsPerMs;
    }
  }
  // The server answered.
  void note_answer() {
    failures_ = 0;
    if (out_ms_ > 0) [[unlikely]] {
      *this = ServerHealth();
    }
  }
  // It did not. True: it is out from now on, for out_ms().
  bool note_failure(const HealthPolicy& policy, std::int64_t now_ns);
  std::int64_t out_ms() const { return out_ms_; }

 private:
  static constexpr std::int64_t kNsPerMs = 1'000'000;
  std::int32_t failures_ = 0;  // in a row
  bool trial_ = false;
  std::int64_t out_ms_ = 0;  // the last time out; 0: none since it last answered
  std::int64_t out_until_ns_ = 0;
};

}  // namespace duet::gateway
