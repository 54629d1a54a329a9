#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdio>

namespace duet::monitor {

inline constexpr const char* kSocketName = "monitor.sock";

struct SocketAddress {
  sockaddr_un address{};
  socklen_t size = sizeof(sockaddr_un);
  const sockaddr* pointer() const { return reinterpret_cast<const sockaddr*>(&address); }
};

// The monitor's socket in the folder open as `folder_fd`; through /proc, because the folder's own
// path may be longer than the 107 bytes that a Unix socket's may have.
inline SocketAddress socket_address(int folder_fd) {
  SocketAddress socket;
  socket.address.sun_family = AF_UNIX;
  std::snprintf(socket.address.sun_path, sizeof socket.address.sun_path, "/proc/self/fd/%d/%s",
                folder_fd, kSocketName);
  return socket;
}

}  // namespace duet::monitor
