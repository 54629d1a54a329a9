#include "cluster/json_field.h"

#include <utility>

namespace duet::cluster {

const Json& member(const Json& object, const char* name) {
  static const Json kNothing;
  const auto found = object.find(name);  // the end, of what is no object
  return found == object.end() ? kNothing : *found;
}

Json member(Json&& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? Json() : std::move(*found);
}

std::string text_of(const Json& object, const char* name) {
  const Json& value = member(object, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::string resource_version_of(const Json& object) {
  return text_of(member(object, "metadata"), "resourceVersion");
}

std::string to_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace duet::cluster
