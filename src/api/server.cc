#include "api/server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <list>
#include <thread>

#include "api/exchange.h"
#include "api/router.h"
#include "net/socket.h"

namespace duet::api {
namespace {

constexpr int64_t kTryConnectMs = 1'000;

const net::HttpLimits kLimits{.head_bytes = 64 << 10, .target_bytes = 32 << 10};

// Root and the user that runs the node may do everything, nobody else anything.
bool may_connect(int fd) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return false;
  }
  return peer.uid == 0 || peer.uid == geteuid();
}

// One connection, served by a thread of its own.
struct Client {
  std::atomic<bool> done{false};
  sys::Fd handle;  // the server's own duplicate, to shut the connection down
  std::thread thread;
};

class SocketServer final : public Server {
 public:
  SocketServer(const Context& context, ServerOptions options)
      : context_(context), options_(std::move(options)) {}

  Status begin() {
    // A socket file may be left from a node that was killed; a living one answers.
    if (net::connect_unix(options_.socket_path, kTryConnectMs).ok()) {
      return Error(ErrorCode::kAlreadyExists,
                   options_.socket_path + ": another node serves its API here");
    }
    DUET_ASSIGN(listener_, net::listen_unix(options_.socket_path, options_.mode));
    stop_ = sys::Fd(eventfd(0, EFD_CLOEXEC));
    if (!stop_.valid()) {
      return Error::from_errno("eventfd", errno);
    }
    acceptor_ = std::thread([this] { accept_all(); });
    return {};
  }

  ~SocketServer() override {
    if (acceptor_.joinable()) {
      const uint64_t one = 1;
      (void)!write(stop_.get(), &one, sizeof(one));
      acceptor_.join();
      unlink(options_.socket_path.c_str());
    }
    for (Client& client : clients_) {
      shutdown(client.handle.get(), SHUT_RDWR);
    }
    for (Client& client : clients_) {
      client.thread.join();
    }
  }

 private:
  void accept_all() {
    pollfd polled[2] = {{.fd = listener_.get(), .events = POLLIN},
                        {.fd = stop_.get(), .events = POLLIN}};
    while (true) {
      if (poll(polled, 2, -1) < 0) {
        continue;
      }
      if (polled[1].revents != 0) {
        return;
      }
      sys::Fd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      join_done();
      if (socket.valid()) {
        admit(std::move(socket));
      }
    }
  }

  void join_done() {
    for (auto it = clients_.begin(); it != clients_.end();) {
      if (it->done) {
        it->thread.join();
        it = clients_.erase(it);
      } else {
        ++it;
      }
    }
  }

  void admit(sys::Fd socket) {
    if (!may_connect(socket.get())) {
      return refuse(std::move(socket), 403, "Forbidden",
                    "the local API is for root and the node's own user");
    }
    if (clients_.size() >= static_cast<size_t>(options_.connection_limit)) {
      return refuse(std::move(socket), 503, "ServiceUnavailable",
                    "the local API has its limit of " + std::to_string(options_.connection_limit) +
                        " connections; try again");
    }
    Client& client = clients_.emplace_back();
    client.handle = sys::Fd(fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
    client.thread = std::thread([this, &client, moved = std::move(socket)]() mutable {
      serve(std::move(moved));
      client.done = true;
    });
  }

  // Answers before the request was read, without waiting for the client.
  void refuse(sys::Fd socket, int status, const std::string& reason, const std::string& message) {
    net::ServerConnection connection(std::move(socket), kLimits, 1);
    (void)connection.respond(
        status, {{"Content-Type", "application/json"}, {"Connection", "close"}},
        Failure{.http_status = status, .reason = reason, .message = message}.to_json());
  }

  void serve(sys::Fd socket) {
    const int fd = socket.get();
    net::ServerConnection connection(std::move(socket), kLimits, options_.timeout_ms);
    while (true) {
      const auto request = connection.next();
      if (!request.ok() || !request->has_value()) {
        break;
      }
      Exchange exchange(context_, connection, **request, options_.body_size_bytes);
      route(exchange);
    }
    // The server's duplicate keeps the connection open otherwise, until the next one comes.
    shutdown(fd, SHUT_RDWR);
  }

  const Context context_;
  const ServerOptions options_;
  sys::Fd listener_;
  sys::Fd stop_;
  std::thread acceptor_;
  std::list<Client> clients_;  // the acceptor's, then the destructor's
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const Context& context,
                                              const ServerOptions& options) {
  auto server = std::make_unique<SocketServer>(context, options);
  DUET_TRY(server->begin());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace duet::api
