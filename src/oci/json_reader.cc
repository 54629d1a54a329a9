#include "oci/json_reader.h"

#include <nlohmann/json.hpp>

#include "oci/manifest.h"

namespace duet::oci {

namespace {

using nlohmann::json;

Error wrong_type(const char* key, const char* wanted, const json& found) {
  return {ErrorCode::kCorrupt,
          std::string(key) + " is not " + wanted + " but " + found.type_name()};
}

// Counts brackets outside of strings, so that no parser of ours ever sees a deep document.
bool nests_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDocumentDepthLimit) {
        return true;
      }
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

}  // namespace

Result<json> parse_object(std::string_view text) {
  if (nests_too_deep(text)) {
    return Error(ErrorCode::kCorrupt,
                 "JSON nests deeper than " + std::to_string(kDocumentDepthLimit) + " levels");
  }
  json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) {
    return Error(ErrorCode::kCorrupt, "not valid JSON");
  }
  if (!document.is_object()) {
    return Error(ErrorCode::kCorrupt, std::string("not a JSON object but ") + document.type_name());
  }
  return document;
}

const json& member(const json& object, const char* key) {
  static const json kNull;
  if (!object.is_object()) {
    return kNull;
  }
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

Result<std::string> string_member(const json& object, const char* key) {
  const json& value = member(object, key);
  if (value.is_null()) {
    return std::string();
  }
  if (!value.is_string()) {
    return wrong_type(key, "a string", value);
  }
  return value.get<std::string>();
}

Result<int64_t> size_member(const json& object, const char* key) {
  const json& value = member(object, key);
  if (value.is_null()) {
    return int64_t{0};
  }
  if (!value.is_number_integer()) {
    return wrong_type(key, "a whole number", value);
  }
  const bool fits = value.is_number_unsigned()
                        ? value.get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX)
                        : value.get<int64_t>() >= 0;
  if (!fits) {
    return Error(ErrorCode::kCorrupt, std::string(key) + " is negative or too large");
  }
  return value.get<int64_t>();
}

Result<std::vector<std::string>> strings_member(const json& object, const char* key) {
  const json& value = member(object, key);
  std::vector<std::string> strings;
  if (value.is_null()) {
    return strings;
  }
  if (!value.is_array()) {
    return wrong_type(key, "a list", value);
  }
  for (const json& item : value) {
    if (!item.is_string()) {
      return wrong_type(key, "a list of strings", item);
    }
    strings.push_back(item.get<std::string>());
  }
  return strings;
}

Result<std::map<std::string, std::string>> map_member(const json& object, const char* key) {
  const json& value = member(object, key);
  std::map<std::string, std::string> map;
  if (value.is_null()) {
    return map;
  }
  if (!value.is_object()) {
    return wrong_type(key, "an object", value);
  }
  for (const auto& [name, item] : value.items()) {
    if (!item.is_string()) {
      return wrong_type(key, "an object of strings", item);
    }
    map.emplace(name, item.get<std::string>());
  }
  return map;
}

std::string dump_line(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace duet::oci
