#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace duet::sys {

// Replaces `path` as write_file_atomic does, without waiting for the disk: whole whenever this
// process dies, but after a power cut it may be the old one, empty or missing. For what a reboot
// makes worthless. One writer of `path` at a time; it writes to `path`.new first.
Status replace_file(const std::string& path, std::string_view data, mode_t mode = 0644);

}  // namespace duet::sys
