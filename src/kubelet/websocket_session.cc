#include "kubelet/websocket_session.h"

#include <sys/socket.h>

namespace duet::kubelet {

using api::Channel;

Status WebSocketSession::greet() {
  return send(wanted_.out   ? Channel::kStdout
              : wanted_.err ? Channel::kStderr
                            : Channel::kError,
              "");
}

Result<std::optional<api::Frame>> WebSocketSession::next() {
  for (;;) {
    DUET_ASSIGN(auto message, socket_.next());
    if (!message) {
      return std::optional<api::Frame>();
    }
    if (message->empty()) {
      continue;
    }
    const auto channel = static_cast<Channel>(static_cast<unsigned char>(message->front()));
    const bool wanted = channel == Channel::kStdin    ? wanted_.in
                        : channel == Channel::kResize ? wanted_.tty
                                                      : channel == Channel::kClose;
    // Kubernetes drops what comes on other channels. Nothing on stdin is nothing, not its end.
    if (wanted && message->size() > 1) {
      return std::optional(api::Frame{channel, message->substr(1)});
    }
  }
}

Status WebSocketSession::send(Channel channel, std::string_view data) {
  if ((channel == Channel::kStdout && !wanted_.out) ||
      (channel == Channel::kStderr && !wanted_.err)) {
    return {};
  }
  const char head = static_cast<char>(channel);
  return socket_.send({&head, 1}, data);
}

void WebSocketSession::cut() { shutdown(fd_, SHUT_RDWR); }

}  // namespace duet::kubelet
