#pragma once

#include <string>

#include "cli/verb.h"

namespace duet::cli {

// All verbs in a list: what `duet` alone prints.
std::string overview();
// The help of one verb or group.
std::string help_of(const Verb& verb);
// docs/cli.md.
std::string manual();

}  // namespace duet::cli
