#include "net/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace duet::net {
namespace {

constexpr int kBacklog = 4096;

Status set_timeouts(int fd, std::int64_t timeout_ms) {
  if (timeout_ms <= 0) {
    return {};
  }
  const timeval time{.tv_sec = timeout_ms / 1000, .tv_usec = (timeout_ms % 1000) * 1000};
  if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) != 0 ||
      setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)) != 0) {
    return Error::from_errno("setting socket timeouts", errno);
  }
  return {};
}

void set_no_delay(int fd) {
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return invalid("socket path '" + path + "' must have 1 to " +
                   std::to_string(sizeof(address.sun_path) - 1) + " bytes");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

}  // namespace

Result<SocketAddress> make_address(const std::string& ip, int port) {
  SocketAddress address;
  if (port < 0 || port > 65535) {
    return invalid("port " + std::to_string(port) + " is not between 0 and 65535");
  }
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  if (inet_pton(AF_INET, ip.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<std::uint16_t>(port));
    address.size = sizeof(sockaddr_in);
    return address;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET6, ip.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<std::uint16_t>(port));
    address.size = sizeof(sockaddr_in6);
    return address;
  }
  return invalid("'" + ip + "' is not an IP address");
}

Result<SocketAddress> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return invalid("'" + std::string(text) + "' is not IP:PORT");
  }
  std::string_view ip = text.substr(0, colon);
  if (ip.size() > 2 && ip.front() == '[' && ip.back() == ']') {
    ip = ip.substr(1, ip.size() - 2);
  }
  const std::string_view digits = text.substr(colon + 1);
  int port = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size()) {
    return invalid("'" + std::string(text) + "' has no valid port");
  }
  return make_address(std::string(ip), port);
}

std::string format_ip(const SocketAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
    inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
  } else if (address.storage.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    const auto* bytes = reinterpret_cast<const unsigned char*>(&v6->sin6_addr);
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
      inet_ntop(AF_INET, bytes + 12, text, sizeof(text));
    } else {
      inet_ntop(AF_INET6, bytes, text, sizeof(text));
    }
  } else {
    return "unix";
  }
  return text;
}

std::string format_address(const SocketAddress& address) {
  std::string ip = format_ip(address);
  if (address.storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
    return ip + ":" + std::to_string(ntohs(v4->sin_port));
  }
  if (address.storage.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    return "[" + ip + "]:" + std::to_string(ntohs(v6->sin6_port));
  }
  return ip;
}

namespace {

Result<sys::Fd> bind_and_listen(const SocketAddress& address, bool shared) {
  sys::Fd fd(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) {
    return Error::from_errno("socket", errno);
  }
  const int one = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  if (shared && setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) != 0) {
    return Error::from_errno("SO_REUSEPORT", errno);
  }
  set_no_delay(fd.get());  // accepted sockets inherit it
  if (bind(fd.get(), address.raw(), address.size) != 0 || listen(fd.get(), kBacklog) != 0) {
    const int error = errno;
    if (error == EADDRINUSE) {
      return Error(ErrorCode::kAlreadyExists, "listening on " + format_address(address) +
                                                  ": the port is taken by another program");
    }
    return Error::from_errno("listening on " + format_address(address), error);
  }
  return fd;
}

}  // namespace

Result<sys::Fd> listen_tcp(const SocketAddress& address) { return bind_and_listen(address, false); }

Result<std::vector<sys::Fd>> listen_tcp_many(const SocketAddress& address, int count) {
  {
    // SO_REUSEPORT would join any program of this user that listens there with it as well.
    DUET_ASSIGN(const sys::Fd alone, bind_and_listen(address, false));
  }
  std::vector<sys::Fd> sockets;
  SocketAddress bound = address;
  for (int i = 0; i < count; ++i) {
    DUET_ASSIGN(sys::Fd fd, bind_and_listen(bound, true));
    if (i == 0) {
      DUET_ASSIGN(bound, local_address(fd.get()));
    }
    sockets.push_back(std::move(fd));
  }
  return sockets;
}

Result<sys::Fd> start_connect(const SocketAddress& address) {
  sys::Fd fd(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) {
    return Error::from_errno("socket", errno);
  }
  set_no_delay(fd.get());
  if (connect(fd.get(), address.raw(), address.size) != 0 && errno != EINPROGRESS) {
    return Error::from_errno("connecting to " + format_address(address), errno);
  }
  return fd;
}

int connect_error(int fd) {
  int error = 0;
  socklen_t size = sizeof(error);
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

Result<sys::Fd> connect_tcp(const SocketAddress& address, std::int64_t timeout_ms) {
  sys::Fd fd(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) {
    return Error::from_errno("socket", errno);
  }
  set_no_delay(fd.get());
  DUET_TRY(set_timeouts(fd.get(), timeout_ms));
  if (connect(fd.get(), address.raw(), address.size) != 0) {
    return Error::from_errno("connecting to " + format_address(address), errno);
  }
  return fd;
}

Result<sys::Fd> connect_unix(const std::string& path, std::int64_t timeout_ms) {
  DUET_ASSIGN(const sockaddr_un address, unix_address(path));
  sys::Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) {
    return Error::from_errno("socket", errno);
  }
  DUET_TRY(set_timeouts(fd.get(), timeout_ms));
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    const int error = errno;
    if (error == ECONNREFUSED || error == ENOENT) {
      return Error(ErrorCode::kUnavailable, "connecting to " + path + ": nobody listens there");
    }
    return Error::from_errno("connecting to " + path, error);
  }
  return fd;
}

Result<sys::Fd> start_connect_unix(const std::string& path) {
  DUET_ASSIGN(const sockaddr_un address, unix_address(path));
  sys::Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) {
    return Error::from_errno("socket", errno);
  }
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    const int error = errno;
    if (error == ECONNREFUSED || error == ENOENT || error == EAGAIN) {
      return Error(ErrorCode::kUnavailable, "connecting to " + path + ": nobody listens there");
    }
    return Error::from_errno("connecting to " + path, error);
  }
  return fd;
}

Result<sys::Fd> listen_unix(const std::string& path, int mode) {
  DUET_ASSIGN(const sockaddr_un address, unix_address(path));
  sys::Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) {
    return Error::from_errno("socket", errno);
  }
  struct stat info{};
  if (lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) {
    unlink(path.c_str());
  }
  fchmod(fd.get(), static_cast<mode_t>(mode));  // so that the file never has other permissions
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      chmod(path.c_str(), static_cast<mode_t>(mode)) != 0 || listen(fd.get(), 128) != 0) {
    return Error::from_errno("listening on " + path, errno);
  }
  return fd;
}

Result<SocketAddress> local_address(int fd) {
  SocketAddress address;
  address.size = sizeof(address.storage);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.size) != 0) {
    return Error::from_errno("getsockname", errno);
  }
  return address;
}

}  // namespace duet::net
