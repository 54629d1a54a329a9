#include "api/server.h"

#include <sys/socket.h>
#include <unistd.h>

#include "api/exchange.h"
#include "api/router.h"
#include "net/connection_threads.h"
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
    DUET_ASSIGN(sys::Fd listener, net::listen_unix(options_.socket_path, options_.mode));
    DUET_ASSIGN(connections_,
                net::ConnectionThreads::start(
                    std::move(listener),
                    {.connection_limit = static_cast<size_t>(options_.connection_limit),
                     .serve = [this](sys::Fd socket) { serve(std::move(socket)); },
                     .refuse = [this](sys::Fd socket) { refuse_more(std::move(socket)); }}));
    return {};
  }

  ~SocketServer() override {
    if (connections_) {
      connections_.reset();
      unlink(options_.socket_path.c_str());
    }
  }

 private:
  void refuse_more(sys::Fd socket) {
    refuse(std::move(socket), 503, "ServiceUnavailable",
           "the local API has its limit of " + std::to_string(options_.connection_limit) +
               " connections; try again");
  }

  // Answers before the request was read, without waiting for the client.
  static void refuse(sys::Fd socket, int status, const std::string& reason,
                     const std::string& message) {
    net::ServerConnection connection(std::move(socket), kLimits, 1);
    (void)connection.respond(
        status, {{"Content-Type", "application/json"}, {"Connection", "close"}},
        Failure{.http_status = status, .reason = reason, .message = message}.to_json());
  }

  void serve(sys::Fd socket) {
    if (!may_connect(socket.get())) {
      return refuse(std::move(socket), 403, "Forbidden",
                    "the local API is for root and the node's own user");
    }
    net::ServerConnection connection(std::move(socket), kLimits, options_.timeout_ms);
    while (true) {
      connection.stream().set_timeout(options_.timeout_ms);  // answers may have changed it
      const auto request = connection.next();
      if (!request.ok() || !request->has_value()) {
        return;
      }
      Exchange exchange(context_, connection, **request, options_.body_size_bytes);
      route(exchange);
    }
  }

  const Context context_;
  const ServerOptions options_;
  std::unique_ptr<net::ConnectionThreads> connections_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const Context& context,
                                              const ServerOptions& options) {
  auto server = std::make_unique<SocketServer>(context, options);
  DUET_TRY(server->begin());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace duet::api
