#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "sys/clock.h"

namespace duet::cli {

// "45s", "5m10s", "3h", "2d4h", "400d", as kubectl's ages read. "<unknown>" for negative ones.
std::string human_duration(sys::Duration duration);

// The age at `now` of an RFC 3339 time; "<unknown>" when it is empty or none.
std::string age_of(const std::string& timestamp, sys::WallTime now);

// A Go duration: 90s, 1h30m, 500ms. kInvalid for anything else.
Result<sys::Duration> parse_duration(const std::string& text);

}  // namespace duet::cli
