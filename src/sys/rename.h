#pragma once

#include <string>

#include "base/result.h"

namespace duet::sys {

// Renames `from` to `to` unless `to` exists (kAlreadyExists), and makes both folders durable.
// Thread-safe.
Status rename_exclusive(const std::string& from, const std::string& to);

// Renames `from` over `to` and makes both folders durable. Thread-safe.
Status rename_over(const std::string& from, const std::string& to);

}  // namespace duet::sys
