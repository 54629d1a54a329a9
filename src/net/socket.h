#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace duet::net {

// An IP address with a port.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// From an IPv4 or IPv6 address without brackets, and a port.
Result<SocketAddress> make_address(const std::string& ip, int port);
// From "IP:PORT", IPv6 in brackets.
Result<SocketAddress> parse_address(std::string_view text);
// "10.0.0.1:80" or "[::1]:80"; "unix" for other families.
std::string format_address(const SocketAddress& address);
// The IP address alone, without brackets; of an IPv4 client of an IPv6 socket as IPv4.
std::string format_ip(const SocketAddress& address);

// Sockets below are close-on-exec. A TCP one has TCP_NODELAY.
// Bound and listening, non-blocking, with SO_REUSEADDR. kAlreadyExists: the port is taken.
Result<sys::Fd> listen_tcp(const SocketAddress& address);
// `count` such sockets on one address, with SO_REUSEPORT: the kernel spreads new connections over
// them. With port 0 all get the port that the kernel chose for the first one.
Result<std::vector<sys::Fd>> listen_tcp_many(const SocketAddress& address, int count);
// Begins to connect without blocking: writable when it is done, connect_error() says how.
Result<sys::Fd> start_connect(const SocketAddress& address);
// Connects to the stream socket at `path` without waiting for its other side. kUnavailable: nobody
// listens there, or too many wait already.
Result<sys::Fd> start_connect_unix(const std::string& path);
// How a connect ended: 0 or an errno.
int connect_error(int fd);
// Blocking connections with a bound on connecting, sending and receiving (SO_SNDTIMEO,
// SO_RCVTIMEO); 0: none.
Result<sys::Fd> connect_tcp(const SocketAddress& address, std::int64_t timeout_ms);
Result<sys::Fd> connect_unix(const std::string& path, std::int64_t timeout_ms);
// A listening, blocking stream socket at `path`, replacing a socket file that is there.
Result<sys::Fd> listen_unix(const std::string& path, int mode);

// Where a bound socket listens; for port 0.
Result<SocketAddress> local_address(int fd);

}  // namespace duet::net
