#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace duet::cluster {

using Json = nlohmann::json;

// Fields of what a server sent, whatever it sent: none of these fails.

// What stands under `name`, in `object` itself; null: nothing does, or `object` is no object.
const Json& member(const Json& object, const char* name);
// The same of an object that goes.
Json member(Json&& object, const char* name);

// The same where a text is expected; empty: it is something else.
std::string text_of(const Json& object, const char* name);

// metadata.resourceVersion; empty: it has none.
std::string resource_version_of(const Json& object);

// On one line; bytes that are no UTF-8 are replaced.
std::string to_text(const Json& json);

}  // namespace duet::cluster
