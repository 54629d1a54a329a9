#pragma once

#include <optional>
#include <string>

#include "api/session.h"
#include "kubelet/streams_wanted.h"
#include "kubelet/websocket.h"

namespace duet::kubelet {

// The client of an exec or attach by v4.channel.k8s.io or v5.channel.k8s.io over WebSocket: the
// first byte of each message is its channel. v5 can say that stdin is at its end.
class WebSocketSession final : public api::SessionClient {
 public:
  // `socket` must outlive it; its connection is `fd`.
  WebSocketSession(WebSocket& socket, int fd, StreamsWanted wanted)
      : socket_(socket), fd_(fd), wanted_(wanted) {}

  // An empty message says that the session has begun: some clients wait for it.
  Status greet();

  Result<std::optional<api::Frame>> next() override;
  Status send(api::Channel channel, std::string_view data) override;
  void end() override { socket_.end(); }
  void cut() override;

 private:
  WebSocket& socket_;
  int fd_;
  StreamsWanted wanted_;
};

}  // namespace duet::kubelet
