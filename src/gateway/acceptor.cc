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

Acceptor::Acceptor(Front& front, std::string name, sys::Fd fd, bool tls)
    : front_(front), name_(std::move(name)), fd_(std::move(fd)), tls_(tls) {}

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
    net::SocketAddress peer;
    peer.size = sizeof(peer.storage);
    sys::Fd fd(accept4(fd_.get(), reinterpret_cast<sockaddr*>(&peer.storage), &peer.size,
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
      greet_proxy(std::move(fd), net::format_ip(peer));
    } else if (!serve_client(front_, std::move(fd), name_, net::format_ip(peer), tls_)) {
      pause();  // out of memory
      return;
    }
  }
}

void Acceptor::greet_proxy(sys::Fd fd, std::string address) {
  const bool trusted = front_.forwarding.trusts(address);
  Client peer{.listener = name_,
              .address = std::move(address),
              .scheme = tls_ ? "https" : "http",
              .trusted = trusted};
  front_.connections.push_back(
      std::make_unique<ProxyGreeting>(front_, std::move(fd), std::move(peer)));
  front_.connections.back()->open(std::prev(front_.connections.end()));
}

}  // namespace duet::gateway
