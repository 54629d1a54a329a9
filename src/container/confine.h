#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace duet::container {

// Bounds on a confined process.
struct ConfineLimits {
  int64_t memory_bytes = int64_t{1} << 30;  // address space
  int64_t file_bytes = 0;                   // of one file
  int64_t cpu_seconds = 0;
};

// Shuts the calling process, which must be root and have one thread, into the folder `root` for
// good: new mount, network, IPC and UTS namespaces with `root` as the only file system (no devices,
// nothing executable), only the capabilities that writing a foreign tree takes, no new privileges,
// a list of allowed system calls (anything else ends the process), resource limits. Descriptors
// that are open stay so. After a failure the process is half shut in: end it.
Status confine_to(const std::string& root, const ConfineLimits& limits);

}  // namespace duet::container
