#include "kubelet/websocket.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace duet::kubelet {
namespace {

constexpr std::string_view kNormalClosure("\x03\xe8", 2);  // status 1000

Error no_websocket(std::string_view why) {
  return invalid("the peer sent no WebSocket: " + std::string(why));
}

}  // namespace

Result<std::optional<WebSocketParsed>> WebSocket::next_frame() {
  for (;;) {
    auto parsed = parse_websocket_frame(std::string_view(buffer_).substr(consumed_));
    if (parsed.state == WebSocketParsed::State::kInvalid) {
      return no_websocket(parsed.reason);
    }
    if (parsed.state == WebSocketParsed::State::kDone) {
      consumed_ += parsed.consumed;
      return std::optional(std::move(parsed));
    }
    buffer_.erase(0, consumed_);
    consumed_ = 0;
    std::array<char, 16 << 10> piece{};
    DUET_ASSIGN(const std::size_t got, stream_.receive(piece.data(), piece.size()));
    if (got == 0) {
      return std::optional<WebSocketParsed>();
    }
    buffer_.append(piece.data(), got);
  }
}

Result<std::optional<std::string>> WebSocket::next() {
  std::string message;
  bool begun = false;
  for (;;) {
    DUET_ASSIGN(const auto frame, next_frame());
    if (!frame || frame->opcode == WebSocketOpcode::kClose) {
      return std::optional<std::string>();
    }
    if (frame->opcode == WebSocketOpcode::kPing) {
      DUET_TRY(send_frame(WebSocketOpcode::kPong, "", frame->payload));
      continue;
    }
    if (frame->opcode == WebSocketOpcode::kPong) {
      continue;
    }
    if (begun != (frame->opcode == WebSocketOpcode::kContinuation)) {
      return no_websocket("the parts of its messages are mixed up");
    }
    begun = true;
    if (message.size() + frame->payload.size() > kWebSocketBytes) {
      return no_websocket("a message is too long");
    }
    message += frame->payload;
    if (frame->last) {
      return std::optional(std::move(message));
    }
  }
}

Status WebSocket::send(std::string_view head, std::string_view data) {
  return send_frame(WebSocketOpcode::kBinary, head, data);
}

Status WebSocket::send_frame(WebSocketOpcode opcode, std::string_view head, std::string_view data) {
  std::string frame = websocket_head(opcode, head.size() + data.size());
  frame.append(head).append(data);
  const std::lock_guard lock(mutex_);
  return ended_ ? Error(ErrorCode::kUnavailable, "the WebSocket is closed") : stream_.send(frame);
}

void WebSocket::end() {
  const std::lock_guard lock(mutex_);
  if (!ended_) {
    ended_ = true;
    (void)stream_.send(
        websocket_head(WebSocketOpcode::kClose, kNormalClosure.size()).append(kNormalClosure));
    stream_.end();
  }
}

Result<std::size_t> WebSocketStream::receive(char* into, std::size_t size) {
  while (taken_ == message_.size()) {
    DUET_ASSIGN(auto next, socket_.next());
    if (!next) {
      return std::size_t{0};
    }
    message_ = std::move(*next);
    taken_ = 0;
  }
  const std::size_t given = std::min(size, message_.size() - taken_);
  std::memcpy(into, message_.data() + taken_, given);
  taken_ += given;
  return given;
}

}  // namespace duet::kubelet
