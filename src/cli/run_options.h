#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/workload.h"

namespace duet::cli {

struct RunMount {
  std::string host_path;  // absolute
  std::string guest_path;
  bool read_only = false;
  bool operator==(const RunMount&) const = default;
};

// What `duet run` was told beside the workload.
struct RunOptions {
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<RunMount> mounts;
  std::vector<std::string> args;
  int64_t uid = -1;  // -1: not said
  int64_t gid = -1;
  int64_t memory_bytes = 0;  // 0: no limit of its own
  bool tty = false;          // containers: give it a terminal
  bool network = false;      // Wasm: sockets
};

// "HOST::GUEST" or "HOST::GUEST:ro"; "HOST" alone appears under its own name. kInvalid otherwise.
Result<RunMount> parse_mount(const std::string& text);

// Becomes the sandbox of a Wasm program; returns only when that failed.
Result<int> run_wasm(const Invocation& invocation, const Workload& workload,
                     const RunOptions& options);

// Runs a container to its end and removes what it left. Its exit code.
Result<int> run_container(const Invocation& invocation, const Workload& workload,
                          const RunOptions& options);

}  // namespace duet::cli
