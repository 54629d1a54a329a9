#include "gateway/control_client.h"

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

constexpr std::int64_t kCallTimeoutMs = 60'000;  // loading much new code takes its time

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
  const timeval time{.tv_sec = kCallTimeoutMs / 1000, .tv_usec = 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
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
  DUET_TRY(send_packet(socket_.get(), message, fd));
  DUET_ASSIGN(std::optional<Packet> packet, receive_packet(socket_.get()));
  if (!packet) {
    return Error(ErrorCode::kUnavailable, "the gateway worker closed the control socket");
  }
  std::string text = std::move(packet->text);
  if (packet->fd.valid()) {
    DUET_ASSIGN(text, read_memfd(packet->fd.get(), kTableBytes));
  }
  const Json reply = Json::parse(text, nullptr, false);
  if (!reply.is_object()) {
    return Error(ErrorCode::kCorrupt, "the gateway worker's reply is not a JSON object");
  }
  if (!reply.value("ok", false)) {
    return invalid("gateway worker: " + reply.value("error", std::string("no reason given")));
  }
  return text;
}

Result<WorkerStatus> ControlClient::status() {
  DUET_ASSIGN(const std::string text, call(R"({"type":"status"})", -1));
  const Json reply = Json::parse(text, nullptr, false);
  const Json status = reply.value("status", Json::object());
  WorkerStatus result;
  try {
    result.pid = status.value("pid", std::int64_t{0});
    result.generation = status.value("generation", std::uint64_t{0});
    result.draining = status.value("draining", false);
    result.listeners = status.value("listeners", std::vector<std::string>());
    result.codes = status.value("codes", std::vector<std::string>());
    result.connections = status.value("connections", std::int64_t{0});
    result.requests_in_flight = status.value("requestsInFlight", std::int64_t{0});
    result.requests = status.value("requests", std::uint64_t{0});
    result.log_dropped = status.value("logDropped", std::uint64_t{0});
  } catch (const Json::exception&) {
    return Error(ErrorCode::kCorrupt, "the gateway worker's status has a field of a wrong type");
  }
  return result;
}

Status ControlClient::add_listener(const std::string& name, int fd) {
  auto reply = call(Json{{"type", "listener"}, {"name", name}}.dump(), fd);
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

Status check_listen_address(const std::string& address) {
  const auto parsed = net::parse_address(address);
  return parsed.ok() ? Status() : Status(parsed.error());
}

}  // namespace duet::gateway
