#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "gateway/config.h"
#include "gateway/worker_status.h"
#include "sys/fd.h"

namespace duet::gateway {

// The agent's side of the control protocol (gateway/control.h), blocking. One call at a time; not
// thread-safe.
//
// The order that never loses a request: status() to learn what the worker holds already (it
// outlives the agent, and its listening sockets with it), add_listener and add_code for what is
// missing, then set_table. The worker loads code that is new before it answers set_table, so the
// first request after it is a warm one; sockets and code that the new table does not name are
// closed after the swap.
class ControlClient {
 public:
  // Connects to the worker's socket; waits up to `timeout_ms` for a worker that is just starting.
  static Result<ControlClient> connect(const std::string& socket_path, std::int64_t timeout_ms);

  Result<WorkerStatus> status();
  // In Prometheus' text format, of all workers together.
  Result<std::string> metrics();
  // `fd`: a bound and listening TCP socket for the worker of that number (status().workers says how
  // many there are). A copy is taken; the caller keeps owning its own.
  Status add_listener(const std::string& name, int fd, int worker = 0);
  // `fd`: a compiled handler (engine/code_file.h), authenticated by the caller and readable for the
  // worker's user.
  Status add_code(const std::string& digest, int fd);
  // `fd`: a folder for FilesBackend::folder, O_PATH or open for reading. The worker reads there as
  // its own user, and only below the folders that it was started with.
  Status add_folder(const std::string& name, int fd);
  // `fd`: the socket file, O_PATH, at which the gateway of the worker group `name` takes the
  // connections of the worker of that number (listen_group). One for every worker group of the
  // next table.
  Status add_group(const std::string& name, int fd, int worker = 0);
  // `fd`: a file open for appending, or a pipe. Sent again after a rotation.
  Status set_access_log(int fd);
  // Swaps the table as a whole. An error names what is wrong with it, and the old one stays in use.
  Status set_table(const RouteTable& table);
  // Stops accepting, finishes what is in flight, and ends the worker, at the latest after
  // `timeout_ms`.
  Status drain(std::int64_t timeout_ms);

 private:
  explicit ControlClient(sys::Fd socket) : socket_(std::move(socket)) {}
  Result<std::string> call(const std::string& message, int fd);
  sys::Fd socket_;
};

// A TCP socket that is bound, listening, non-blocking and close-on-exec: what add_listener takes.
// `address` is "IP:PORT" ("0.0.0.0:80", "[::]:80"); port 0 lets the kernel choose. kAlreadyExists:
// the port is taken.
Result<sys::Fd> listen_tcp(const std::string& address);
// A socket for a listener of worker groups (Listener::group): at `path`, open to whoever may enter
// the folder.
Result<sys::Fd> listen_group(const std::string& path);
// Whether an address is of that form; kInvalid says why not.
Status check_listen_address(const std::string& address);
// `count` of them on one address, one for each worker (net::listen_tcp_many).
Result<std::vector<sys::Fd>> listen_tcp_many(const std::string& address, int count);

}  // namespace duet::gateway
