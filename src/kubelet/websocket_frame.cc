#include "kubelet/websocket_frame.h"

#include <openssl/evp.h>

#include <array>

#include "base/base64.h"

namespace duet::kubelet {
namespace {

constexpr std::size_t kMaskBytes = 4;
constexpr std::size_t kControlBytes = 125;  // of a control frame's payload
constexpr std::uint8_t kShortLength = 126;  // stands for: the next 2 bytes are the length
constexpr std::uint8_t kLongLength = 127;   // stands for: the next 8 bytes are the length

WebSocketParsed refuse(std::string_view reason) {
  return {.state = WebSocketParsed::State::kInvalid, .reason = reason};
}

bool is_opcode(std::uint8_t value) { return value <= 2 || (value >= 8 && value <= 10); }

bool is_control(std::uint8_t opcode) { return opcode >= 8; }

std::uint8_t byte_at(std::string_view buffer, std::size_t at) {
  return static_cast<std::uint8_t>(buffer[at]);
}

}  // namespace

WebSocketParsed parse_websocket_frame(std::string_view buffer) {
  std::size_t head = 2;
  if (buffer.size() < head) {
    return {};
  }
  const std::uint8_t first = byte_at(buffer, 0);
  const std::uint8_t opcode = first & 0x0f;
  const bool last = (first & 0x80) != 0;
  if ((first & 0x70) != 0 || !is_opcode(opcode)) {
    return refuse("a frame is of an unknown kind");
  }
  if ((byte_at(buffer, 1) & 0x80) == 0) {
    return refuse("a frame of the client has no mask");
  }
  std::uint64_t size = byte_at(buffer, 1) & 0x7f;
  if (is_control(opcode) && (size > kControlBytes || !last)) {
    return refuse("a control frame is too long or not whole");
  }
  if (size >= kShortLength) {
    const std::size_t width = size == kLongLength ? 8 : 2;
    if (buffer.size() < head + width) {
      return {};
    }
    size = 0;
    for (std::size_t i = 0; i < width; ++i) {
      size = size << 8 | byte_at(buffer, head + i);
    }
    head += width;
  }
  if (size > kWebSocketBytes) {
    return refuse("a frame is too long");
  }
  if (buffer.size() < head + kMaskBytes + size) {
    return {};
  }
  WebSocketParsed out{.state = WebSocketParsed::State::kDone,
                      .consumed = head + kMaskBytes + size,
                      .last = last,
                      .opcode = static_cast<WebSocketOpcode>(opcode),
                      .payload = std::string(buffer.substr(head + kMaskBytes, size))};
  for (std::size_t i = 0; i < size; ++i) {
    out.payload[i] = static_cast<char>(out.payload[i] ^ buffer[head + i % kMaskBytes]);
  }
  return out;
}

std::string websocket_head(WebSocketOpcode opcode, std::size_t size) {
  std::string out(1, static_cast<char>(0x80 | static_cast<std::uint8_t>(opcode)));
  if (size < kShortLength) {
    return out += static_cast<char>(size);
  }
  const bool fits_short = size <= 0xffff;
  out += static_cast<char>(fits_short ? kShortLength : kLongLength);
  for (int shift = fits_short ? 8 : 56; shift >= 0; shift -= 8) {
    out += static_cast<char>(size >> shift & 0xff);
  }
  return out;
}

std::string websocket_accept(std::string_view key) {
  constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const std::string text = std::string(key).append(kGuid);
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), hash.data(), &size, EVP_sha1(), nullptr);
  return base64_encode({reinterpret_cast<const char*>(hash.data()), size});
}

}  // namespace duet::kubelet
