#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Frames of WebSocket (RFC 6455, section 5.2) as a server reads and writes them. Pure.
namespace duet::kubelet {

inline constexpr std::size_t kWebSocketBytes = 1 << 20;  // of one message, and so of one frame

enum class WebSocketOpcode : std::uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};

struct WebSocketParsed {
  enum class State : std::uint8_t { kIncomplete, kDone, kInvalid };
  State state = State::kIncomplete;
  std::size_t consumed = 0;
  std::string_view reason;  // of kInvalid, a constant
  bool last = false;        // of its message
  WebSocketOpcode opcode = WebSocketOpcode::kBinary;
  std::string payload;  // without its mask
};
// The frame of a client at the front of `buffer`.
WebSocketParsed parse_websocket_frame(std::string_view buffer);

// The head of a server's frame with `size` bytes of payload, which is a whole message.
std::string websocket_head(WebSocketOpcode opcode, std::size_t size);

// What Sec-WebSocket-Accept says to a client's Sec-WebSocket-Key (section 4.2.2).
std::string websocket_accept(std::string_view key);

}  // namespace duet::kubelet
