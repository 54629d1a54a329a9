#include "gateway/acceptor.h"

#include <sys/socket.h>

#include <cerrno>

#include "gateway/client_connection.h"
#include "gateway/proxy_greeting.h"
#include "net/socket.h"

namespace duet::gateway {
namespace {

constexpr std::size_t kAcceptsARound = 64;
constexpr std::int64_t kPauseNs = 50'000'000;  // until it is tried again after a bound was met

}  // namespace

Acceptor::Acceptor(Front& front, const Listener& listener, sys::Fd fd)
    : front_(front),
      name_(listener.name),
      fd_(std::move(fd)),
      tls_(listener.tls),
      own_routes_(listener.own_routes) {}

Acceptor::~Acceptor() {
  if (watching_) {
    front_.loop.remove(fd_.get(), *this);
  }
}

Status Acceptor::start() {
  // Level-triggered: what is left is told again. Of several workers that share the socket only one
  // is woken.
  DUET_TRY(front_.loop.add(fd_.get(), *this, EPOLLIN | EPOLLEXCLUSIVE));
  watching_ = true;
  return {};
}

void Acceptor::pause() {
  if (!watching_) {
    return;
  }
  front_.loop.remove(fd_.get(), *this);
  watching_ = false;
  front_.loop.set_timer(timer_, kPauseNs);
}

void Acceptor::resume() {
  if (!watching_ && !start().ok()) {
    front_.loop.set_timer(timer_, kPauseNs);
  }
}

void Acceptor::on_io(std::uint32_t) { take(kAcceptsARound); }

void Acceptor::take_waiting() { take(front_.limits.connections); }

void Acceptor::take(std::size_t most) {
  for (std::size_t i = 0; i < most; ++i) {
    if (front_.connections.size() >= front_.limits.connections) {
      pause();
      return;
    }
    net::SocketAddress from;
    from.size = sizeof(from.storage);
    sys::Fd fd(accept4(fd_.get(), reinterpret_cast<sockaddr*>(&from.storage), &from.size,
                       SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd.valid()) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        pause();
      }
      if (errno == EINTR || errno == ECONNABORTED) {
        continue;
      }
      return;
    }
    if (proxy_protocol_) {
      Client peer = client_from(net::format_ip(from));
      peer.trusted = front_.forwarding.trusts(peer.address);
      front_.connections.push_back(
          std::make_unique<ProxyGreeting>(front_, std::move(fd), std::move(peer)));
      front_.connections.back()->open(std::prev(front_.connections.end()));
    } else if (!serve_client(front_, std::move(fd), client_from(net::format_ip(from)))) {
      pause();  // out of memory
      return;
    }
  }
}

Client Acceptor::client_from(std::string address) const {
  return {.listener = name_,
          .address = std::move(address),
          .scheme = tls_ ? "https" : "http",
          .own_routes = own_routes_};
}

}  // namespace duet::gateway
