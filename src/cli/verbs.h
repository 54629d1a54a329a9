#pragma once

#include <span>
#include <string_view>

#include "cli/verb.h"

namespace duet::cli {

// All verbs in the order of `duet help`.
std::span<const Verb> all_verbs();
// Flags that every verb takes.
std::span<const Flag> global_flags();
// Nullptr: there is none.
const Verb* find_verb(std::span<const Verb> verbs, std::string_view name);

// One function a file of this folder.
Verb apply_verb();
Verb agent_verb();
Verb attach_verb();
Verb completion_verb();
Verb delete_verb();
Verb describe_verb();
Verb exec_verb();
Verb get_verb();
Verb help_verb();
Verb image_verb();
Verb logs_verb();
Verb run_verb();
Verb serve_verb();
Verb up_verb();
Verb version_verb();

}  // namespace duet::cli
