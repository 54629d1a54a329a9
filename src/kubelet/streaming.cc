#include <sys/socket.h>

#include "api/session.h"
#include "kubelet/handlers.h"
#include "kubelet/port_forward.h"
#include "kubelet/spdy_session.h"
#include "kubelet/upgrade.h"
#include "kubelet/websocket_session.h"

// exec, attach and portForward.
namespace duet::kubelet {
namespace {

constexpr std::string_view kChannelNames[] = {"v5.channel.k8s.io", "v4.channel.k8s.io"};
constexpr UpgradeProtocols kChannelProtocols{.spdy = kChannelNames, .websocket = kChannelNames};

// In a WebSocket it is SPDY again, whose bytes are the messages.
constexpr std::string_view kForwardNames[] = {"portforward.k8s.io"};
constexpr std::string_view kTunnelNames[] = {"SPDY/3.1+portforward.k8s.io"};
constexpr UpgradeProtocols kForwardProtocols{.spdy = kForwardNames, .websocket = kTunnelNames};

using Start = std::function<Result<pod::Session>(const StreamsWanted& wanted)>;

// Nothing is started for a client that cannot be served. Whoever carries the streams on to kubectl
// reads why as a Status; a text with a colon in it would be YAML without one.
void serve_session(api::Exchange& exchange, api::SessionEnd end, const Start& start) {
  const auto wanted = streams_wanted(exchange.query);
  if (!wanted.ok()) {
    return exchange.answer(api::bad_request(wanted.error().message()));
  }
  const auto upgrade = negotiate(exchange, kChannelProtocols);
  if (!upgrade) {
    return;
  }
  auto session = start(*wanted);
  if (!session.ok()) {
    return exchange.answer(api::failure_of(session.error()));
  }
  if (!confirm(exchange, *upgrade).ok()) {
    return;
  }
  const int fd = exchange.connection.fd();
  net::ByteStream& stream = exchange.connection.stream();
  if (upgrade->carrier == Upgrade::Carrier::kSpdy) {
    SpdyConnection connection(stream, exchange.connection.take_buffered());
    SpdySession client(connection, fd, *wanted);
    return api::run_session(client, std::move(*session), end);
  }
  WebSocket socket(stream, exchange.connection.take_buffered());
  WebSocketSession client(socket, fd, *wanted);
  if (client.greet().ok()) {
    api::run_session(client, std::move(*session), end);
  }
}

void forward_ports(api::Exchange& exchange, net::ByteStream& stream, std::string buffered) {
  SpdyConnection connection(stream, std::move(buffered));
  PortForward forward(connection, [&](int port) {
    return exchange.context.pods->connect(exchange.path.key(), port);
  });
  forward.run();
  shutdown(exchange.connection.fd(), SHUT_RDWR);  // what still goes back goes nowhere
}

}  // namespace

void handle_exec(api::Exchange& exchange, const std::string& container) {
  serve_session(exchange, api::SessionEnd::kExitCode, [&](const StreamsWanted& wanted) {
    return exchange.context.pods->exec(
        exchange.path.key(), container,
        {.command = exchange.query.all("command"), .tty = wanted.tty, .stdin_open = wanted.in});
  });
}

// As Kubernetes: who is attached is told that the container has ended, and not how.
void handle_attach(api::Exchange& exchange, const std::string& container) {
  serve_session(exchange, api::SessionEnd::kSuccess, [&](const StreamsWanted&) {
    return exchange.context.pods->attach(exchange.path.key(), container);
  });
}

void handle_port_forward(api::Exchange& exchange, const std::string&) {
  const auto upgrade = negotiate(exchange, kForwardProtocols);
  if (!upgrade || !confirm(exchange, *upgrade).ok()) {
    return;
  }
  net::ByteStream& stream = exchange.connection.stream();
  std::string buffered = exchange.connection.take_buffered();
  if (upgrade->carrier == Upgrade::Carrier::kSpdy) {
    return forward_ports(exchange, stream, std::move(buffered));
  }
  WebSocket socket(stream, std::move(buffered));
  WebSocketStream tunnel(socket);
  forward_ports(exchange, tunnel, "");
}

}  // namespace duet::kubelet
