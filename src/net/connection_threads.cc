#include "net/connection_threads.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace duet::net {

namespace {

// The client stays in the listener's queue, so poll(2) would say again at once that there is one.
constexpr int kStarvedPauseMs = 100;

bool is_starvation(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

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
    const bool starved = !socket.valid() && is_starvation(errno);
    join_done();
    if (socket.valid()) {
      admit(std::move(socket));
    } else if (starved && poll(&polled[1], 1, kStarvedPauseMs) > 0) {
      return;
    }
  }
}

void ConnectionThreads::admit(sys::Fd socket) {
  if (clients_.size() >= options_.connection_limit) {
    return options_.refuse(std::move(socket));
  }
  sys::Fd handle(fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
  if (!handle.valid()) {
    return;  // nobody could end it
  }
  Client& client = clients_.emplace_back();
  client.handle = std::move(handle);
  try {
    client.thread = std::thread(
        [this, &client, moved = std::move(socket)]() mutable { serve(client, std::move(moved)); });
  } catch (const std::system_error&) {
    clients_.pop_back();  // no more threads: the connection ends
  }
}

void ConnectionThreads::serve(Client& client, sys::Fd socket) const {
  options_.serve(std::move(socket));
  client.done = true;  // whoever sees the end of the connection finds its place free
  // The duplicate keeps the connection open otherwise, until the next one comes.
  shutdown(client.handle.get(), SHUT_RDWR);
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
