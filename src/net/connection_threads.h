#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <thread>

#include "base/result.h"
#include "sys/fd.h"

namespace duet::net {

// Serves the connections of one listening socket with blocking code, a thread each. Destroying it
// ends all connections and waits for their threads. When the process has no descriptors or threads
// left, clients wait or are closed until it has.
class ConnectionThreads {
 public:
  // Gets a blocking socket, and serves it until it is over.
  using Serve = std::function<void(sys::Fd socket)>;

  struct Options {
    std::size_t connection_limit = 128;  // at the same time
    Serve serve;                         // called by the connection's own thread
    Serve refuse;  // called past the limit by the thread that accepts: must not wait
  };

  // Errors as of eventfd(2).
  static Result<std::unique_ptr<ConnectionThreads>> start(sys::Fd listener, Options options);
  ~ConnectionThreads();
  ConnectionThreads(const ConnectionThreads&) = delete;
  ConnectionThreads& operator=(const ConnectionThreads&) = delete;

 private:
  struct Client {
    std::atomic<bool> done{false};
    sys::Fd handle;  // a duplicate of the socket, to shut the connection down
    std::thread thread;
  };

  ConnectionThreads(sys::Fd listener, sys::Fd stop, Options options);
  void accept_all();
  void admit(sys::Fd socket);
  void serve(Client& client, sys::Fd socket) const;
  void join_done();

  Options options_;
  sys::Fd listener_;
  sys::Fd stop_;
  std::list<Client> clients_;  // the acceptor's, then the destructor's
  std::thread acceptor_;
};

}  // namespace duet::net
