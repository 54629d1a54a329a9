#pragma once

#include <gtest/gtest.h>

#include <string>

#include "kubelet/websocket_frame.h"
#include "net/tls_client_for_test.h"

namespace duet::kubelet {

// A client's frame.
inline std::string masked_frame(WebSocketOpcode opcode, const std::string& payload,
                                bool last = true) {
  constexpr std::string_view kMask = "mask";
  std::string frame = websocket_head(opcode, payload.size());
  frame[0] = static_cast<char>(last ? frame[0] : frame[0] & 0x7f);
  frame[1] = static_cast<char>(frame[1] | 0x80);
  frame += kMask;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    frame += static_cast<char>(payload[i] ^ kMask[i % kMask.size()]);
  }
  return frame;
}

// The client's side of a WebSocket, after its handshake. Its bytes are those of all messages.
class WebSocketClientForTest {
 public:
  explicit WebSocketClientForTest(net::TlsClientForTest& transport) : transport_(transport) {}

  bool write(const std::string& message) {
    return transport_.write(masked_frame(WebSocketOpcode::kBinary, message));
  }
  bool write_frame(WebSocketOpcode opcode, const std::string& payload, bool last = true) {
    return transport_.write(masked_frame(opcode, payload, last));
  }

  struct Got {
    WebSocketOpcode opcode = WebSocketOpcode::kClose;
    std::string payload;
    bool over = false;  // the server has ended
  };
  Got next() {
    const std::string head = transport_.read_exactly(2);
    if (head.size() < 2) {
      return {.over = true};
    }
    std::size_t size = static_cast<unsigned char>(head[1]);
    const std::size_t width = size == 127 ? 8 : size == 126 ? 2 : 0;
    if (width != 0) {
      size = 0;
      for (const char c : transport_.read_exactly(width)) {
        size = size << 8 | static_cast<unsigned char>(c);
      }
    }
    return {.opcode = static_cast<WebSocketOpcode>(head[0] & 0x0f),
            .payload = transport_.read_exactly(size)};
  }
  std::string read_exactly(std::size_t size) {
    while (bytes_.size() < size) {
      const Got got = next();
      if (got.over || got.opcode != WebSocketOpcode::kBinary) {
        break;
      }
      bytes_ += got.payload;
    }
    const std::string out = bytes_.substr(0, size);
    bytes_.erase(0, out.size());
    return out;
  }

 private:
  net::TlsClientForTest& transport_;
  std::string bytes_;
};

}  // namespace duet::kubelet
