#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "object/marked_node.h"

namespace duet::object {

// What a plain (unquoted, untagged) scalar is, by the rules of YAML 1.1 as the YAML library of
// Kubernetes has them: yes, on and y are true; 0x10, 0o17, 017 and 1_000 are integers; a timestamp
// is a string; a number whose value is whole is an integer. Pure.
MarkedNode resolve_plain_scalar(std::string_view text);

// A scalar with an explicit tag (tag:yaml.org,2002:int and so on); kInvalid when the text does not
// fit the tag or the tag is not known.
Result<MarkedNode> resolve_tagged_scalar(std::string_view tag, std::string_view text);

}  // namespace duet::object
