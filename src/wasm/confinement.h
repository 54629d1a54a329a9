#pragma once

#include <sys/types.h>

#include "base/result.h"

// What a sandbox takes from itself before it runs a guest. Each function is for good, and for the
// calling process of one thread.
namespace duet::wasm {

// Becomes uid:gid without supplementary groups and without any capability (also when uid is 0),
// sets no_new_privs, and bounds what could harm the node: no core dumps, few descriptors. Without
// root only the present user is possible: kPermission.
Status drop_privileges(uid_t uid, gid_t gid);

// seccomp allow list; every other system call gives EPERM. No processes, no exec, no signals to
// others, no mounts, no sockets unless `network` (then IPv4 and IPv6 only).
Status confine_system_calls(bool network);

}  // namespace duet::wasm
