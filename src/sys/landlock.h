#pragma once

#include <vector>

#include "base/result.h"

// Landlock (kernel documentation, userspace-api/landlock): rights that a process takes from itself,
// for good, and from its children.
namespace duet::sys {

// A folder or file that stays reachable.
struct ReachablePath {
  int fd;  // stays the caller's
  bool writable = false;
  bool directory = true;
};

// Opening files is possible only below `paths`, for the calling process of one thread. Kernels
// without Landlock: nothing happens.
Status confine_files(const std::vector<ReachablePath>& paths);

// As confine_files. And, where the kernel knows how: no TCP port is bound any more (version 4), and
// no process outside can be signalled or reached by an abstract Unix socket (version 6).
Status confine_files_and_peers(const std::vector<ReachablePath>& paths);

}  // namespace duet::sys
