#include "cluster/json_field.h"

namespace duet::cluster {

Json member(const Json& object, const char* name) {
  return object.is_object() ? object.value(name, Json()) : Json();
}

std::string text_of(const Json& object, const char* name) {
  const Json value = member(object, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::string resource_version_of(const Json& object) {
  return text_of(member(object, "metadata"), "resourceVersion");
}

std::string to_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace duet::cluster
