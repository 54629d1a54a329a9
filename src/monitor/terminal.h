#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "monitor/loop.h"
#include "sys/fd.h"

namespace duet::monitor {

// A pseudo terminal (pty(7)).
struct Terminal {
  sys::Fd master;
  sys::Fd slave;
};
Result<Terminal> open_terminal();

// TIOCSWINSZ on the master.
void resize_terminal(int master, uint16_t columns, uint16_t rows);

// Where an OCI runtime sends the master of a container's terminal (runc's docs/terminals.md): a
// Unix socket of one message with one descriptor.
class ConsoleSocket {
 public:
  // Listens at `path` (an old socket there is removed) until destroyed.
  static Result<ConsoleSocket> listen(const std::string& path);
  ConsoleSocket(ConsoleSocket&& other) noexcept = default;
  ~ConsoleSocket();

  // The master that the runtime sent before it ended; never waits.
  Result<sys::Fd> receive();

 private:
  ConsoleSocket(std::string path, sys::Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string path_;
  sys::Fd fd_;
};

}  // namespace duet::monitor
