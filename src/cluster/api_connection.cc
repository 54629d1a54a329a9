#include "cluster/api_connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "net/look_up.h"
#include "net/socket.h"

namespace duet::cluster {
namespace {

// Waits until the connection is made. A stop shuts the socket down, which ends the wait.
Result<sys::Fd> connect_one(const net::SocketAddress& address, std::int64_t timeout_ms,
                            const std::stop_token& stop) {
  DUET_ASSIGN(sys::Fd fd, net::start_connect(address));
  const int number = fd.get();
  const std::stop_callback breaker(stop, [number] { ::shutdown(number, SHUT_RDWR); });
  pollfd waiting{.fd = number, .events = POLLOUT, .revents = 0};
  int ready = 0;
  do {
    ready = ::poll(&waiting, 1, static_cast<int>(timeout_ms));
  } while (ready < 0 && errno == EINTR);
  if (ready == 0) {
    return Error(ErrorCode::kTimeout,
                 "connecting to " + net::format_address(address) + ": no answer");
  }
  if (const int error = net::connect_error(number); error != 0) {
    return Error(
        ErrorCode::kUnavailable,
        Error::from_errno("connecting to " + net::format_address(address), error).message());
  }
  return fd;
}

}  // namespace

Result<std::unique_ptr<ApiConnection>> ApiConnection::open(const Endpoint& endpoint,
                                                           net::TlsClient& tls,
                                                           std::int64_t timeout_ms,
                                                           const std::stop_token& stop) {
  DUET_ASSIGN(const auto addresses, net::look_up(endpoint.host, endpoint.port));
  Error last(ErrorCode::kNotFound, endpoint.host + " has no address");
  for (const net::SocketAddress& address : addresses) {
    if (stop.stop_requested()) {
      return Error(ErrorCode::kUnavailable, "stopping");
    }
    auto fd = connect_one(address, timeout_ms, stop);
    if (!fd.ok()) {
      last = fd.error();
      continue;
    }
    std::unique_ptr<ApiConnection> made(new ApiConnection());
    made->server_ = endpoint.authority();
    DUET_ASSIGN(auto cipher, tls.connect(fd->get(), endpoint.server_name, made->server_));
    const int number = fd->get();
    made->http_.emplace(
        net::HttpClient::over_tls(std::move(*fd), std::move(cipher), made->server_, timeout_ms));
    made->breaker_.emplace(stop, [number] { ::shutdown(number, SHUT_RDWR); });
    return made;
  }
  return last;
}

}  // namespace duet::cluster
