#include "net/connection_threads.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace duet::net {

Result<std::unique_ptr<ConnectionThreads>> ConnectionThreads::start(sys::Fd listener,
                                                                    Options options) {
  sys::Fd stop(eventfd(0, EFD_CLOEXEC));
  if (!stop.valid()) {
    return Error::from_errno("eventfd", errno);
  }
  return std::unique_ptr<ConnectionThreads>(
      new ConnectionThreads(std::move(listener), std::move(stop), std::move(options)));
}

ConnectionThreads::ConnectionThreads(sys::Fd listener, sys::Fd stop, Options options)
    : options_(std::move(options)),
      listener_(std::move(listener)),
      stop_(std::move(stop)),
      acceptor_([this] { accept_all(); }) {}

ConnectionThreads::~ConnectionThreads() {
  const uint64_t one = 1;
  (void)!write(stop_.get(), &one, sizeof(one));
  acceptor_.join();
  for (Client& client : clients_) {
    shutdown(client.handle.get(), SHUT_RDWR);
  }
  for (Client& client : clients_) {
    client.thread.join();
  }
}

void ConnectionThreads::accept_all() {
  pollfd polled[2] = {{.fd = listener_.get(), .events = POLLIN},
                      {.fd = stop_.get(), .events = POLLIN}};
  while (true) {
    if (poll(polled, 2, -1) < 0) {
      continue;
    }
    if (polled[1].revents != 0) {
      return;
    }
    sys::Fd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    join_done();
    if (socket.valid()) {
      admit(std::move(socket));
    }
  }
}

void ConnectionThreads::admit(sys::Fd socket) {
  if (clients_.size() >= options_.connection_limit) {
    return options_.refuse(std::move(socket));
  }
  Client& client = clients_.emplace_back();
  client.handle = sys::Fd(fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
  client.thread = std::thread([this, &client, moved = std::move(socket)]() mutable {
    options_.serve(std::move(moved));
    client.done = true;  // whoever sees the end of the connection finds its place free
    // The duplicate keeps the connection open otherwise, until the next one comes.
    shutdown(client.handle.get(), SHUT_RDWR);
  });
}

void ConnectionThreads::join_done() {
  for (auto it = clients_.begin(); it != clients_.end();) {
    if (it->done) {
      it->thread.join();
      it = clients_.erase(it);
    } else {
      ++it;
    }
  }
}

}  // namespace duet::net
