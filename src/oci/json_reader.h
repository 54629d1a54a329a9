#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// Reading members of JSON that others wrote. An absent member and null are the empty value, as in
// Go; a member of the wrong type is kCorrupt and named. Functions are pure.
namespace duet::oci {

// The document as an object; kCorrupt if it is none, is not JSON, or nests deeper than
// kDocumentDepthLimit.
Result<nlohmann::json> parse_object(std::string_view text);

// The member, or null. `object` may be anything.
const nlohmann::json& member(const nlohmann::json& object, const char* key);

Result<std::string> string_member(const nlohmann::json& object, const char* key);
// A whole number that is not negative.
Result<int64_t> size_member(const nlohmann::json& object, const char* key);
Result<std::vector<std::string>> strings_member(const nlohmann::json& object, const char* key);
Result<std::map<std::string, std::string>> map_member(const nlohmann::json& object,
                                                      const char* key);

// JSON text on one line; bytes that are not UTF-8 become U+FFFD.
std::string dump_line(const nlohmann::json& value);

}  // namespace duet::oci
