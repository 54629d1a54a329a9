#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "api/context.h"
#include "base/result.h"

// The local API: the REST paths of the Kubernetes API on a Unix socket, for the command line and
// scripts. docs/api.md says what is there.
namespace duet::api {

struct ServerOptions {
  std::string socket_path;      // made anew; a socket that nobody listens on any more is replaced
  int mode = 0600;              // of the socket; 0660 lets its group in
  int connection_limit = 128;   // served at the same time, a thread each; more are told 503
  int64_t timeout_ms = 30'000;  // of each wait for a client to send or to take bytes
  size_t body_size_bytes = 4 << 20;
};

// Serves until it is destroyed, which ends all connections.
class Server {
 public:
  // Errors: kAlreadyExists when another server listens on the path, else as of bind(2).
  static Result<std::unique_ptr<Server>> start(const Context& context,
                                               const ServerOptions& options);
  virtual ~Server() = default;
};

}  // namespace duet::api
