#include "gateway/control_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace duet::gateway {
Result<sys::Fd> listen_control(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return invalid("control socket path '" + path + "' is empty or too long");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  sys::Fd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) {
    return Error::from_errno("socket", errno);
  }
  struct stat info{};
  if (lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) {
    unlink(path.c_str());
  }
  fchmod(fd.get(), 0600);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      chmod(path.c_str(), 0600) != 0 || listen(fd.get(), 8) != 0) {
    return Error::from_errno("listening on " + path, errno);
  }
  return fd;
}

ControlServer::ControlServer(net::EventLoop& loop, PacketHandler& handler, sys::Fd socket,
                             uid_t owner)
    : loop_(loop), handler_(handler), socket_(std::move(socket)), owner_(owner) {}

ControlServer::~ControlServer() { loop_.remove(socket_.get(), *this); }

Status ControlServer::start() { return loop_.add(socket_.get(), *this, EPOLLIN); }

void ControlServer::on_io(std::uint32_t) {
  sys::Fd fd(accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (!fd.valid() || getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0 ||
      (credentials.uid != 0 && credentials.uid != owner_) || peers_.size() >= kPeers) {
    return;
  }
  const auto self = peers_.emplace(peers_.end(), loop_, handler_, std::move(fd), [this] {
    peers_.remove_if([](const ControlPeer& peer) { return peer.is_gone(); });
  });
  if (!self->start().ok()) {
    peers_.erase(self);
  }
}

}  // namespace duet::gateway
