#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/result.h"

// How duet-pull gives up what it does not need. Each step holds for the rest of the process's life.
namespace duet::oci {

// Becomes that user and group for good (only when root; another user stays what it is), sets
// no_new_privs, forbids core dumps and being traced, dies with its parent, and bounds what it may
// write to one file and allocate.
Status drop_privileges(uid_t uid, gid_t gid, int64_t file_limit_bytes);

// Landlock: from now on nothing can be written outside of the open folder `folder` (-1: nowhere);
// open descriptors stay as they are. Kernels without Landlock: no effect, file permissions rule.
Status confine_writes(int folder);

// seccomp: no new programs, no processes (threads stay possible), none of the administrator's
// calls.
Status forbid_processes();

// seccomp: no sockets.
Status forbid_network();

}  // namespace duet::oci
