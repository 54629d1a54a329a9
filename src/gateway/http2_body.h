#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/buffer.h"
#include "net/http_message.h"

namespace duet::gateway {

// A body with its trailers that is sent over HTTP/2: what waits until flow control lets nghttp2 put
// it into DATA frames (RFC 9113 section 8.1). Not thread-safe. Who appends bounds its size.
class Http2Body {
 public:
  explicit Http2Body(net::BufferPool& pool) : bytes_(pool) {}

  void append(std::string_view data) { bytes_.append(data); }
  // All of it was appended. The trailers are copied.
  void finish(std::span<const net::Field> trailers);
  bool finished() const { return finished_; }
  // That nghttp2 did not take yet.
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  // Whether there is something to take, if only the end: without room a client's window lets no
  // empty frame through either.
  bool waits() const { return !bytes_.empty() || (finished_ && !ended_); }
  // Forgets them.
  void release() { bytes_.release(); }

  // As nghttp2's read callback: takes up to `size` bytes; the last of them take the trailers along.
  // Without any nghttp2 waits until it is told of more.
  ssize_t read(nghttp2_session* session, std::int32_t stream_id, std::uint8_t* into,
               std::size_t size, std::uint32_t& flags);
  // Whether nghttp2 waits and is to be told now (nghttp2_session_resume_data). Only the first call
  // says so.
  bool end_wait() { return std::exchange(awaited_, false); }

 private:
  net::Buffer bytes_;
  std::vector<std::pair<std::string, std::string>> trailers_;
  bool finished_ = false;
  bool ended_ = false;  // nghttp2 has taken the end
  bool awaited_ = false;
};

}  // namespace duet::gateway
