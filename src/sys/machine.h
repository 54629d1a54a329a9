#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace duet::sys {

// What a machine is, as long as it runs.
struct Machine {
  int cpus = 1;  // that this process may use
  std::int64_t memory_bytes = 0;
  std::string id;              // /etc/machine-id; empty: it has none
  std::string boot_id;         // another one after each start
  std::int64_t boot_s = 0;     // when it started, seconds since 1970
  std::string kernel_version;  // 6.1.0-18-amd64
  std::string os_image;        // Debian GNU/Linux 12 (bookworm)
};

// How much of it is used and left.
struct MachineUse {
  std::int64_t cpu_ns = 0;  // that its CPUs have worked since it started
  std::int64_t memory_available_bytes = 0;
  std::int64_t processes = 0;  // and threads, of all users
  std::int64_t process_limit = 0;
  std::int64_t storage_bytes = 0;  // of the file system that was asked for
  std::int64_t storage_available_bytes = 0;
  std::int64_t inodes = 0;  // 0: it does not count them
  std::int64_t inodes_available = 0;
};

// `root` is where the machine's files are; "" for the machine itself. Thread-safe.
Result<Machine> examine_machine(const std::string& root = "");
// `path` lies on the file system that matters.
Result<MachineUse> measure_machine(const std::string& path, const std::string& root = "");

}  // namespace duet::sys
