#include "gateway/upstream_pool.h"

#include <sys/socket.h>

#include <algorithm>

namespace duet::gateway {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

// Whether the server has closed, or sent something.
bool has_news(int fd) {
  char byte = 0;
  return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

}  // namespace

UpstreamConnection::UpstreamConnection(UpstreamPool& pool, Origin& origin, sys::Fd fd,
                                       std::unique_ptr<net::StreamCipher> cipher)
    : pool_(pool), origin_(origin), stream_(std::move(fd), pool.buffers(), std::move(cipher)) {}

UpstreamConnection::~UpstreamConnection() {
  stream_.say_end();
  pool_.loop().remove(stream_.fd(), *this);
}

void UpstreamConnection::on_io(std::uint32_t events) {
  stream_.note_events(events);
  if (!connected_ && (events & EPOLLOUT) != 0 && !stream_.failed()) {
    reached_ = true;
    connected_ = stream_.shake_hands();
  }
  if (user_ != nullptr) {
    user_->on_upstream();
  } else if ((events & ~std::uint32_t{EPOLLOUT}) != 0 && spoke()) {
    pool_.drop_idle(*this);
  }
}

// Of an idle connection on which something came: whether the server has closed, or sends what
// nobody asked for. TLS may have something to say for itself: tickets, new keys.
bool UpstreamConnection::spoke() {
  if (stream_.cipher() == nullptr) {
    return true;
  }
  stream_.note_events(EPOLLIN);
  const bool spoke = stream_.fill(1);
  stream_.release_memory();
  return spoke || stream_.failed();
}

void UpstreamConnection::on_idle_timeout() {
  if (user_ == nullptr) {
    pool_.drop_idle(*this);
  }
}

Result<Origin*> UpstreamPool::origin(const std::string& ip, int port, const std::string& tls_name) {
  DUET_ASSIGN(const net::SocketAddress address, net::make_address(ip, port));
  const std::string name =
      net::format_address(address) + (tls_name.empty() ? "" : " as " + tls_name);
  std::unique_ptr<Origin>& origin = origins_[name];
  if (!origin) {
    origin = std::make_unique<Origin>();
    origin->address = address;
    origin->tls_name = tls_name;
    origin->name = name;
  }
  return origin.get();
}

void UpstreamPool::prune() {
  if (origins_.size() > kOriginLimit) {
    std::erase_if(origins_, [](const auto& entry) {
      return entry.second->holders == 0 && entry.second->sessions.empty();
    });
  }
}

std::unique_ptr<UpstreamConnection> UpstreamPool::take(Origin& origin, bool certain) {
  while (!origin.idle.empty()) {
    auto connection = std::move(origin.idle.back());
    origin.idle.pop_back();
    if (certain && has_news(connection->stream().fd()) && connection->spoke()) {
      continue;
    }
    loop_.cancel_timer(connection->timer_);
    connection->reused_ = true;
    return connection;
  }
  return nullptr;
}

Result<std::unique_ptr<UpstreamConnection>> UpstreamPool::connect(Origin& origin) {
  DUET_ASSIGN(sys::Fd fd, connect_(origin.address));
  std::unique_ptr<net::StreamCipher> cipher;
  if (!origin.tls_name.empty()) {
    DUET_ASSIGN(cipher, tls_.connect(fd.get(), origin.tls_name, origin.name));
  }
  auto connection =
      std::make_unique<UpstreamConnection>(*this, origin, std::move(fd), std::move(cipher));
  DUET_TRY(loop_.add(connection->stream().fd(), *connection));
  return connection;
}

void UpstreamPool::give(std::unique_ptr<UpstreamConnection> connection) {
  Origin& origin = connection->origin();
  connection->set_user(nullptr);
  if (origin.idle.size() >= kIdleLimit) {
    return;
  }
  connection->stream().release_memory();
  loop_.set_timer(connection->timer_, kIdleTimeoutMs * kNsPerMs);
  origin.idle.push_back(std::move(connection));
}

Result<UpstreamSession*> UpstreamPool::session(Origin& origin) {
  UpstreamSession* idlest = nullptr;
  std::size_t open = 0;
  for (const auto& session : origin.sessions) {
    if (!session->takes_calls()) {
      continue;
    }
    if (session->has_room()) {
      return session.get();
    }
    ++open;
    if (idlest == nullptr || session->calls() < idlest->calls()) {
      idlest = session.get();
    }
  }
  if (open < kSessionLimit) {
    DUET_ASSIGN(sys::Fd fd, connect_(origin.address));
    auto session = std::make_unique<UpstreamSession>(*this, origin, std::move(fd));
    DUET_TRY(session->open());
    origin.sessions.push_back(std::move(session));
    return origin.sessions.back().get();
  }
  return idlest->calls() < UpstreamSession::kCallLimit ? idlest : nullptr;
}

void UpstreamPool::drop(UpstreamSession& session) {
  std::erase_if(session.origin().sessions,
                [&session](const auto& other) { return other.get() == &session; });
}

void UpstreamPool::drop_idle(UpstreamConnection& connection) {
  auto& idle = connection.origin().idle;
  const auto found = std::find_if(idle.begin(), idle.end(),
                                  [&](const auto& other) { return other.get() == &connection; });
  if (found != idle.end()) {
    dead_.push_back(std::move(*found));
    idle.erase(found);
    loop_.defer(*this);
  }
}

}  // namespace duet::gateway
