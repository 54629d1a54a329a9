#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "sys/process.h"

namespace duet::sys {

// What a finished command left.
struct Output {
  ExitStatus status;
  std::string out;
  std::string err;
};

// Runs `command` to its end with `input` on its stdin, collecting stdout and stderr, each up to
// `limit_bytes` (what is past that is dropped). Kills the child and returns kTimeout after
// `timeout_ms`. The command's own stdin_fd, stdout_fd and stderr_fd are not used. Thread-safe.
Result<Output> run(const Command& command, const std::string& input, int64_t timeout_ms,
                   size_t limit_bytes = 1 << 20);

}  // namespace duet::sys
