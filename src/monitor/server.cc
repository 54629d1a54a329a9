#include "monitor/server.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "monitor/address.h"
#include "sys/file.h"

namespace duet::monitor {

class Server::RequestSession final : public ChannelHandler {
 public:
  RequestSession(Server& server, ConnectionId id) : server_(server), id_(id) {}
  void on_message(MessageType type, std::string_view fields, std::vector<sys::Fd> fds) override {
    if (asked_) {
      server_.close(id_);
      return;
    }
    asked_ = true;
    server_.handle(id_, type, fields, fds);
  }
  void on_writable() override {}
  void on_closed() override { server_.close(id_); }

 private:
  Server& server_;
  ConnectionId id_;
  bool asked_ = false;
};

Result<std::unique_ptr<Server>> Server::open(const std::string& directory,
                                             const sys::Clock& clock) {
  DUET_ASSIGN(std::unique_ptr<Loop> loop, Loop::create());
  std::unique_ptr<Server> server(new Server(directory, clock, std::move(loop)));
  DUET_ASSIGN(server->reaper_, Reaper::create(*server->loop_));
  DUET_TRY(sys::make_directories(directory + "/exits", 0700));
  DUET_TRY(server->lock());
  DUET_TRY(server->listen());
  return server;
}

Server::~Server() {
  connections_.clear();
  children_.clear();
  loop_->forget(listener_watch_);
}

Status Server::lock() {
  DUET_ASSIGN(folder_, sys::open_file(directory_, O_PATH | O_DIRECTORY));
  DUET_ASSIGN(lock_, sys::open_file(directory_ + "/monitor.lock", O_RDWR | O_CREAT, 0600));
  struct flock whole{};
  whole.l_type = F_WRLCK;
  if (::fcntl(lock_.get(), F_OFD_SETLK, &whole) != 0) {
    return Error(ErrorCode::kConflict, directory_ + " has a monitor already");
  }
  return {};
}

Status Server::listen() {
  const SocketAddress address = socket_address(folder_.get());
  ::unlinkat(folder_.get(), kSocketName, 0);
  listener_.reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const mode_t mask = ::umask(0177);
  const bool bound =
      listener_.valid() && ::bind(listener_.get(), address.pointer(), address.size) == 0;
  ::umask(mask);
  if (!bound || ::listen(listener_.get(), 64) != 0) {
    return Error::from_errno("listen in " + directory_, errno);
  }
  DUET_ASSIGN(listener_watch_,
              loop_->watch(listener_.get(), EPOLLIN, [this](uint32_t) { accept(); }));
  return {};
}

void Server::accept() {
  sys::Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  ucred peer{};
  socklen_t size = sizeof peer;
  if (!fd.valid() || ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
      (peer.uid != 0 && peer.uid != ::geteuid()) || connections_.size() >= kConnectionLimit) {
    return;
  }
  const ConnectionId id = next_connection_++;
  auto handler = std::make_unique<RequestSession>(*this, id);
  auto channel = Channel::open(*loop_, std::move(fd), handler.get());
  if (channel.ok()) {
    connections_.emplace(id, Connection{std::move(*channel), std::move(handler)});
  }
}

void Server::close(ConnectionId id) {
  loop_->defer([this, id] {
    const auto found = connections_.find(id);
    if (found != connections_.end()) {
      found->second.handler.reset();  // it refers to the channel
      connections_.erase(found);
    }
  });
}

void Server::answer(ConnectionId id, std::string_view message) {
  const auto found = connections_.find(id);
  if (found != connections_.end()) {
    found->second.channel->send(message);
    close(id);
  }
}

void Server::answer(ConnectionId id, const Status& status) {
  answer(id, status.ok() ? encode(MessageType::kDone) : encode(status.error()));
}

Result<Child*> Server::find(const std::string& name) {
  const auto found = children_.find(name);
  if (found == children_.end()) {
    return not_found("the monitor of " + directory_ + " has no child " + name);
  }
  return found->second.child.get();
}

void Server::changed(const std::string& name) {
  for (auto& [id, connection] : connections_) {
    if (connection.subscription != nullptr) {
      connection.subscription->changed(name);
    }
  }
}

}  // namespace duet::monitor
