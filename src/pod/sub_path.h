#pragma once

#include <string>

#include "base/result.h"

// A part of a volume (volumeMounts[].subPath). Whoever writes to the volume may put symbolic links
// in it, at any moment.
namespace duet::pod {

// Binds `sub_path` of the folder `volume` at `target`, whatever was bound there before; a folder
// that does not exist is made with the volume's mode. Links are followed inside the volume only.
// kInvalid: the path leads out of the volume. Gives the path to use: `target`, or the place in the
// volume for an agent that may not mount (its sandboxes run as its own user).
Result<std::string> bind_sub_path(const std::string& volume, const std::string& sub_path,
                                  const std::string& target);

// Unbinds everything in `folder` that bind_sub_path bound there, and removes it.
Status unbind_sub_paths(const std::string& folder);

}  // namespace duet::pod
