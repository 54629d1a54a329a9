#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "gateway/confine.h"

namespace duet::gateway {

// The command line of duet-gateway. The supervisor's:
//
//   duet-gateway --control PATH [--user UID:GID|NAME] [--workers N] [--sandboxes N]
//                [--read DIR]... [--write DIR]...
//
// and what it starts its workers with:
//
//   duet-gateway --worker FOLDERS [--sandboxes N]
struct Arguments {
  std::string control;               // path of the control socket
  std::optional<UserAndGroup> user;  // that the gateway becomes
  int workers = 0;                   // 0: one for each core that the process may use
  std::uint32_t sandboxes = 0;       // of each worker at the same time; 0: the engine's default
  std::vector<std::string> read;     // folders with code files
  std::vector<std::string> write;    // folders with log files of handlers
  // Set in a worker: for each folder that it got as a descriptor 'r' or 'w'.
  std::optional<std::string> worker_folders;
};

Result<Arguments> parse_arguments(int argc, char** argv);

}  // namespace duet::gateway
