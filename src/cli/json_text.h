#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

// Reading fields of objects that may lack them, for what is only shown. Pure.
namespace duet::cli {

using Json = nlohmann::json;

// The value at "/status/phase"; a null value if it is not there.
const Json& at(const Json& json, std::string_view pointer);
// The same as text: strings as they are, numbers and booleans written out, everything else empty.
std::string text_at(const Json& json, std::string_view pointer);
int64_t number_at(const Json& json, std::string_view pointer, int64_t fallback = 0);
bool flag_at(const Json& json, std::string_view pointer);
// How many items a list or members an object has there.
size_t size_at(const Json& json, std::string_view pointer);

// "a=b,c=d"; `none` when there are none.
std::string join_map(const Json& map, std::string_view none);
std::string or_none(std::string text);  // "<none>" for an empty one

}  // namespace duet::cli
