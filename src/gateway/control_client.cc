#include "gateway/control_client.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

#include "gateway/control.h"
#include "net/socket.h"

namespace duet::gateway {
namespace {

using Json = nlohmann::json;

Result<sys::Fd> connect_once(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return invalid("control socket path '" + path + "' is empty or too long");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  sys::Fd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!fd.valid()) {
    return Error::from_errno("socket", errno);
  }
  DUET_TRY(bound_calls(fd.get()));
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    const int error = errno;
    if (error == ENOENT || error == ECONNREFUSED || error == EAGAIN) {
      return Error(ErrorCode::kUnavailable, "no gateway worker listens on " + path);
    }
    return Error::from_errno("connecting to " + path, error);
  }
  return fd;
}

}  // namespace

Result<ControlClient> ControlClient::connect(const std::string& socket_path,
                                             std::int64_t timeout_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  for (;;) {
    auto connected = connect_once(socket_path);
    if (connected.ok()) {
      return ControlClient(std::move(*connected));
    }
    if (connected.error().code() != ErrorCode::kUnavailable ||
        std::chrono::steady_clock::now() >= deadline) {
      return connected.error();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // the worker is just starting
  }
}

Result<std::string> ControlClient::call(const std::string& message, int fd) {
  return exchange_packets(socket_.get(), message, fd);
}

Result<WorkerStatus> ControlClient::status() {
  DUET_ASSIGN(const std::string text, call(R"({"type":"status"})", -1));
  return parse_status_reply(text);
}

Result<std::string> ControlClient::metrics() {
  DUET_ASSIGN(const std::string text, call(R"({"type":"metrics"})", -1));
  return parse_metrics_reply(text);
}

Status ControlClient::add_listener(const std::string& name, int fd, int worker) {
  auto reply = call(Json{{"type", "listener"}, {"name", name}, {"worker", worker}}.dump(), fd);
  return reply.ok() ? Status() : Status(reply.error());
}

Status ControlClient::add_folder(const std::string& name, int fd) {
  auto reply = call(Json{{"type", "folder"}, {"name", name}}.dump(), fd);
  return reply.ok() ? Status() : Status(reply.error());
}

Status ControlClient::add_group(const std::string& name, int fd, int worker) {
  auto reply = call(Json{{"type", "group"}, {"name", name}, {"worker", worker}}.dump(), fd);
  return reply.ok() ? Status() : Status(reply.error());
}

Status ControlClient::add_code(const std::string& digest, int fd) {
  auto reply = call(Json{{"type", "code"}, {"digest", digest}}.dump(), fd);
  return reply.ok() ? Status() : Status(reply.error());
}

Status ControlClient::set_access_log(int fd) {
  auto reply = call(R"({"type":"access_log"})", fd);
  return reply.ok() ? Status() : Status(reply.error());
}

Status ControlClient::set_table(const RouteTable& table) {
  DUET_ASSIGN(const sys::Fd memory, make_memfd(format_route_table(table)));
  auto reply = call(R"({"type":"table"})", memory.get());
  return reply.ok() ? Status() : Status(reply.error());
}

Status ControlClient::drain(std::int64_t timeout_ms) {
  auto reply = call(Json{{"type", "drain"}, {"timeout_ms", timeout_ms}}.dump(), -1);
  return reply.ok() ? Status() : Status(reply.error());
}

Result<sys::Fd> listen_tcp(const std::string& address) {
  DUET_ASSIGN(const net::SocketAddress parsed, net::parse_address(address));
  return net::listen_tcp(parsed);
}

Result<sys::Fd> listen_group(const std::string& path) {
  constexpr int kAnybody = 0666;
  DUET_ASSIGN(sys::Fd fd, net::listen_unix(path, kAnybody));
  if (fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) {
    return Error::from_errno("making " + path + " non-blocking", errno);
  }
  return fd;
}

Status check_listen_address(const std::string& address) {
  const auto parsed = net::parse_address(address);
  return parsed.ok() ? Status() : Status(parsed.error());
}

Result<std::vector<sys::Fd>> listen_tcp_many(const std::string& address, int count) {
  DUET_ASSIGN(const net::SocketAddress parsed, net::parse_address(address));
  return net::listen_tcp_many(parsed, count);
}

}  // namespace duet::gateway
