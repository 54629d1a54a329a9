#include "cli/json_text.h"

#include <utility>

namespace duet::cli {
namespace {

const Json kNull;

}  // namespace

const Json& at(const Json& json, std::string_view pointer) {
  const Json* here = &json;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const size_t slash = pointer.find('/');
    const std::string name(pointer.substr(0, slash));
    pointer = slash == std::string_view::npos ? "" : pointer.substr(slash);
    if (here->is_array()) {
      const size_t index = name.find_first_not_of("0123456789") == std::string::npos &&
                                   !name.empty() && name.size() < 9
                               ? std::stoul(name)
                               : here->size();
      if (index >= here->size()) {
        return kNull;
      }
      here = &(*here)[index];
      continue;
    }
    const auto found = here->is_object() ? here->find(name) : here->end();
    if (!here->is_object() || found == here->end()) {
      return kNull;
    }
    here = &*found;
  }
  return *here;
}

std::string text_at(const Json& json, std::string_view pointer) {
  const Json& value = at(json, pointer);
  if (value.is_string()) {
    return value.get<std::string>();
  }
  return value.is_number() || value.is_boolean() ? value.dump() : "";
}

int64_t number_at(const Json& json, std::string_view pointer, int64_t fallback) {
  const Json& value = at(json, pointer);
  return value.is_number_integer() ? value.get<int64_t>() : fallback;
}

bool flag_at(const Json& json, std::string_view pointer) {
  const Json& value = at(json, pointer);
  return value.is_boolean() && value.get<bool>();
}

size_t size_at(const Json& json, std::string_view pointer) {
  const Json& value = at(json, pointer);
  return value.is_structured() ? value.size() : 0;
}

std::string join_map(const Json& map, std::string_view none) {
  std::string out;
  if (map.is_object()) {
    for (const auto& [key, value] : map.items()) {
      out += (out.empty() ? "" : ",") + key + "=" + text_at(value, "");
    }
  }
  return out.empty() ? std::string(none) : out;
}

std::string or_none(std::string text) { return text.empty() ? "<none>" : std::move(text); }

}  // namespace duet::cli
