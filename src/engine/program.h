#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"

namespace duet::engine {

// A directory that the program may use.
struct Preopen {
  int host_fd;             // open with O_DIRECTORY; the caller keeps it
  std::string guest_path;  // under which the program finds it
  bool read_only = false;
};

struct ProgramOptions {
  std::vector<std::string> arguments;  // argv[0] first
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<Preopen> preopens;
  std::uint64_t memory_bytes =
      0;  // of all linear memories together; 0: none but the process's own bounds
  std::uint64_t table_elements = 0;  // 0: as above
  bool network = false;  // sockets and name lookup (WASI 0.2), as far as the process may
};

struct ProgramEnd {
  bool trapped = false;
  int exit_code = 0;    // 0 to 255 when not trapped
  std::string message;  // the trap with its backtrace
  std::uint64_t peak_memory_bytes = 0;
};

// Runs the compiled program open as `fd` (see code_file.h; authenticated by the caller, its content
// runs as machine code) to its end on this thread, with the process's stdin, stdout and stderr. A
// component's file is opened again through /proc/self/fd. `kind` is what the file's footer says; a
// handler is refused.
Result<ProgramEnd> run_program(int fd, Kind kind, const ProgramOptions& options);

}  // namespace duet::engine
