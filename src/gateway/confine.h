#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace duet::gateway {

struct UserAndGroup {
  unsigned uid = 0;
  unsigned gid = 0;
};

// "UID:GID", or the name of a user.
Result<UserAndGroup> parse_user(const std::string& text);

// Gives up what a worker does not need: becomes `user` if one is given (needs root) with no other
// groups and no capabilities, sets no_new_privs, and allows only the system calls of the list in
// confine.cc. What is not allowed fails with EPERM; what only an attacker would call (execve,
// ptrace, mount, ...) ends the process.
Status confine(const std::optional<UserAndGroup>& user);

}  // namespace duet::gateway
