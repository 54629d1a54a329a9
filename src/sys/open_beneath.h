#pragma once

#include <string>

#include "sys/fd.h"

namespace duet::sys {

// Opens `path` below the open folder `folder` with open(2)'s `flags` and O_CLOEXEC. Links are
// followed as long as they stay below it; one that leads out, and ".." past the folder, is EXDEV
// (openat2(2) with RESOLVE_BENEATH). Invalid on an error, and errno says which. Thread-safe.
Fd open_beneath(int folder, const std::string& path, int flags);

}  // namespace duet::sys
