#pragma once

#include <optional>
#include <string_view>

#include "sys/clock.h"

namespace duet::sys {

// Reads an RFC 3339 time with any offset and any fraction; nothing for what is not one.
// Thread-safe.
std::optional<WallTime> parse_rfc3339(std::string_view text);

}  // namespace duet::sys
