#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "sys/landlock.h"

namespace duet::gateway {

struct UserAndGroup {
  unsigned uid = 0;
  unsigned gid = 0;
};

// "UID:GID", or the name of a user.
Result<UserAndGroup> parse_user(const std::string& text);

// Becomes `user` if one is given (needs root), with no other groups and no capabilities, and sets
// no_new_privs.
Status give_up_privileges(const std::optional<UserAndGroup>& user);

// What a worker takes from itself, after give_up_privileges: of files it reaches only those below
// `folders` and the system's own settings (Landlock, where the kernel has it); it can bind no TCP
// port and signal nobody else; and it makes only the system calls of the list in confine.cc. What
// is not allowed fails with EPERM or EACCES; what only an attacker would call (execve, ptrace,
// mount, ...) ends the process.
Status confine_worker(std::vector<sys::ReachablePath> folders);

}  // namespace duet::gateway
