#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "gateway/server_health.h"
#include "gateway/upstream_session.h"
#include "net/event_loop.h"
#include "net/send_queue.h"
#include "net/socket.h"
#include "net/stream.h"
#include "net/tls_client.h"

namespace duet::gateway {

// A connection to a server over HTTP/1.1, used by one call at a time or idle in the pool.
class UpstreamConnection final : public net::IoHandler {
 public:
  class User {
   public:
    // Something happened on the stream. May end with the connection destroyed.
    virtual void on_upstream() = 0;

   protected:
    ~User() = default;
  };

  // Without `cipher`: plain text.
  UpstreamConnection(UpstreamPool& pool, Origin& origin, sys::Fd fd,
                     std::unique_ptr<net::StreamCipher> cipher);
  ~UpstreamConnection();

  net::Stream& stream() { return stream_; }
  Origin& origin() { return origin_; }
  void set_user(User* user) { user_ = user; }
  // Whether the server is there at all; and whether it can be asked, with TLS after its handshake.
  bool reached() const { return reached_; }
  bool connected() const { return connected_; }
  // Whether it was idle in the pool before.
  bool reused() const { return reused_; }

  void on_io(std::uint32_t events) override;

 private:
  friend class UpstreamPool;
  void on_idle_timeout();
  bool spoke();

  UpstreamPool& pool_;
  Origin& origin_;
  net::Stream stream_;
  User* user_ = nullptr;  // null: idle
  bool reached_ = false;
  bool connected_ = false;
  bool reused_ = false;
  net::MemberTimer<UpstreamConnection, &UpstreamConnection::on_idle_timeout> timer_{*this};
};

// A server: its address, how it is, the idle connections of HTTP/1.1 to it, and those of HTTP/2.
struct Origin {
  net::SocketAddress address;
  std::string tls_name;  // for which its certificate must be; empty: it is spoken to without TLS
  std::string name;      // "10.0.0.1:80", "10.0.0.1:443 as a.test"
  std::int32_t in_flight = 0;  // requests at it
  std::int32_t holders = 0;    // who may ask it; it stays as long
  ServerHealth health;
  std::vector<std::unique_ptr<UpstreamConnection>> idle;
  std::vector<std::unique_ptr<UpstreamSession>> sessions;
};

// Keeps connections to servers for the next request. Not thread-safe; outlives its connections.
class UpstreamPool final : public net::Deferred {
 public:
  static constexpr std::size_t kIdleLimit = 128;  // connections to one origin
  static constexpr std::int64_t kIdleTimeoutMs = 30'000;
  static constexpr std::size_t kSessionLimit = 8;     // connections of HTTP/2 to one origin
  static constexpr std::size_t kOriginLimit = 1'024;  // that are kept for the next request

  // Begins a connection to an address; net::start_connect, or a network that a test makes.
  using Connect = std::function<Result<sys::Fd>(const net::SocketAddress&)>;

  UpstreamPool(net::EventLoop& loop, net::BufferPool& buffers, Connect connect = net::start_connect)
      : loop_(loop), buffers_(buffers), connect_(std::move(connect)), tls_(loop.clock()) {}

  // The origin at an address; it lives as long as the pool, or until prune(). With `tls_name` (a
  // DNS name in lower case, or an IP address) it is spoken to by TLS and must show that it is this.
  Result<Origin*> origin(const std::string& ip, int port, const std::string& tls_name = {});
  // Authorities, PEM, that vouch for servers beside those of the system.
  void set_authorities(std::string pem) { tls_.set_authorities(std::move(pem)); }
  // Forgets origins that nobody holds, if there are more than kOriginLimit.
  void prune();

  // An idle connection, or none. `certain`: asks the kernel once more that the server did not close
  // it.
  std::unique_ptr<UpstreamConnection> take(Origin& origin, bool certain);
  // A new one, which is not connected() yet.
  Result<std::unique_ptr<UpstreamConnection>> connect(Origin& origin);
  // Back after a whole answer, when it may be used again.
  void give(std::unique_ptr<UpstreamConnection> connection);

  // A connection of HTTP/2 for one more request: one that has room, a new one, or one where the
  // request waits for its turn; null: they are all full.
  Result<UpstreamSession*> session(Origin& origin);
  // It is over: destroys it.
  void drop(UpstreamSession& session);

  net::EventLoop& loop() { return loop_; }
  net::BufferPool& buffers() { return buffers_; }
  // For what is sent at the end of the loop's round.
  net::SendQueue& sends() { return sends_; }
  void run_deferred() override { dead_.clear(); }

 private:
  friend class UpstreamConnection;
  void drop_idle(UpstreamConnection& connection);

  net::EventLoop& loop_;
  net::BufferPool& buffers_;
  Connect connect_;
  net::TlsClient tls_;
  net::SendQueue sends_{loop_};
  std::unordered_map<std::string, std::unique_ptr<Origin>> origins_;
  std::vector<std::unique_ptr<UpstreamConnection>> dead_;
};

}  // namespace duet::gateway
