#include "monitor/terminal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace duet::monitor {

Result<Terminal> open_terminal() {
  sys::Fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!master.valid() || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0) {
    return Error::from_errno("open a terminal", errno);
  }
  // By descriptor, not by path: /dev/pts may be another one here.
  sys::Fd slave(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!slave.valid()) {
    return Error::from_errno("open a terminal's other side", errno);
  }
  return Terminal{std::move(master), std::move(slave)};
}

void resize_terminal(int master, uint16_t columns, uint16_t rows) {
  const winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  ::ioctl(master, TIOCSWINSZ, &size);
}

Result<ConsoleSocket> ConsoleSocket::listen(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return invalid("console socket " + path + ": longer than 107 bytes");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  sys::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  ::unlink(path.c_str());
  if (!fd.valid() ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), 1) != 0) {
    return Error::from_errno("console socket " + path, errno);
  }
  return ConsoleSocket(path, std::move(fd));
}

ConsoleSocket::~ConsoleSocket() {
  if (fd_.valid()) {
    ::unlink(path_.c_str());
  }
}

Result<sys::Fd> ConsoleSocket::receive() {
  const sys::Fd peer(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!peer.valid()) {
    return internal("the OCI runtime sent no terminal to " + path_);
  }
  std::array<char, 4096> text{};
  iovec data{text.data(), text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(peer.get(), &message, MSG_CMSG_CLOEXEC) <= 0) {
    return internal("the OCI runtime sent nothing to " + path_);
  }
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS ||
      header->cmsg_len != CMSG_LEN(sizeof(int))) {
    return internal("the OCI runtime sent no descriptor to " + path_);
  }
  int master = -1;
  std::memcpy(&master, CMSG_DATA(header), sizeof master);
  return sys::Fd(master);
}

}  // namespace duet::monitor
