#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "object/object.h"

namespace duet::cli {

// What a person named on the command line: one object, or all of a kind when `name` is empty.
struct Target {
  object::Kind kind = object::Kind::kPod;
  std::string name;
  bool operator==(const Target&) const = default;
};

// Reads "pods", "pods,svc", "pod web db", "pod/web svc/x" and "all", as kubectl does. kInvalid says
// what is unknown, with a suggestion, or mixed up.
Result<std::vector<Target>> parse_targets(const std::vector<std::string>& words);

// The kind that a person typed; kInvalid with a suggestion.
Result<object::Kind> parse_kind(const std::string& word);

}  // namespace duet::cli
