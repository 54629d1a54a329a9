#include "gateway/proxy_greeting.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "gateway/client_connection.h"
#include "net/proxy_protocol.h"

namespace duet::gateway {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::size_t kPieceBytes = 1024;

}  // namespace

ProxyGreeting::ProxyGreeting(Front& front, sys::Fd fd, Client peer)
    : front_(front), fd_(std::move(fd)), peer_(std::move(peer)) {}

ProxyGreeting::~ProxyGreeting() {
  if (fd_.valid()) {
    front_.loop.remove(fd_.get(), *this);
  }
}

void ProxyGreeting::open(std::list<std::unique_ptr<FrontConnection>>::iterator self) {
  self_ = self;
  if (!peer_.trusted) {
    refuse("the peer is none of gateway.trustedProxies");
  } else if (!front_.loop.add(fd_.get(), *this).ok()) {
    close();
  } else {
    front_.loop.set_timer(timer_, front_.limits.proxy_header_timeout_ms * kNsPerMs);
  }
}

void ProxyGreeting::on_io(std::uint32_t) {
  while (!closed_ && read_piece()) {
  }
}

// Looks at what is there and takes what belongs to the header. False: nothing more now.
bool ProxyGreeting::read_piece() {
  std::array<char, kPieceBytes> piece;
  const ssize_t seen = recv(fd_.get(), piece.data(), piece.size(), MSG_PEEK);
  if (seen < 0 && (errno == EAGAIN || errno == EINTR)) {
    return errno == EINTR;
  }
  if (seen <= 0) {
    if (header_.empty()) {
      close();  // as those who ask only whether somebody listens do
    } else {
      refuse("the connection ended in the middle of its PROXY header");
    }
    return false;
  }
  const std::size_t had = header_.size();
  header_.append(piece.data(), static_cast<std::size_t>(seen));
  const net::ProxyHeader parsed = net::parse_proxy_header(header_);
  if (parsed.state == net::ProxyHeader::State::kInvalid) {
    refuse(parsed.problem);
    return false;
  }
  const bool done = parsed.state == net::ProxyHeader::State::kDone;
  const std::size_t taken = done ? parsed.size_bytes - had : static_cast<std::size_t>(seen);
  if (recv(fd_.get(), piece.data(), taken, 0) != static_cast<ssize_t>(taken)) {
    close();
    return false;
  }
  if (done) {
    hand_over(parsed.source ? parsed.source->text() : peer_.address);
  }
  return !done;
}

void ProxyGreeting::hand_over(std::string address) {
  front_.loop.remove(fd_.get(), *this);
  Client client = peer_;
  client.address = std::move(address);
  serve_client(front_, std::move(fd_), std::move(client));
  close();
}

void ProxyGreeting::refuse(std::string_view why) {
  front_.account({.client = peer_.address, .reason = "ProxyHeaderFailed", .detail = why});
  close();
}

void ProxyGreeting::close() {
  closed_ = true;
  front_.loop.cancel_timer(timer_);
  front_.loop.defer(*this);
}

}  // namespace duet::gateway
