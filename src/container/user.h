#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

// Users and groups of an image, read from its own /etc/passwd and /etc/group.
namespace duet::container {

struct UserIds {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> additional_gids;  // sorted, gid among them
};

// What the pod and the image say of the user.
struct UserRequest {
  std::string image_user;  // "", "name", "uid", "name:group", "uid:gid", ...
  std::optional<int64_t> run_as_user;
  std::optional<int64_t> run_as_group;
  std::vector<int64_t> supplemental_groups;
};

// Resolves as container runtimes do: run_as_user over the image's user; a user without a group gets
// the one of its passwd entry, else 0; groups that list the user in /etc/group are added.
// The files are read below `rootfs` without leaving it, whatever links the image holds, up to 1
// MiB. kInvalid: a name that the image does not know.
Result<UserIds> resolve_user(const std::string& rootfs, const UserRequest& request);

}  // namespace duet::container
