#include "source/ownership.h"

#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/fnv.h"
#include "object/kind.h"
#include "object/source_mark.h"

namespace duet::source {
namespace {

using Json = nlohmann::json;

// As hexadecimal digits.
std::string hash_of(const Json& json) {
  const uint64_t hash = fnv1a(json.dump(-1, ' ', false, Json::error_handler_t::replace));
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

Result<Json> parse(const object::Object& object) {
  Json json = Json::parse(object.json, nullptr, false);
  if (!json.is_object() || !json["metadata"].is_object()) {
    return invalid(object::describe(object.key) + ": not an object with metadata");
  }
  return json;
}

std::string text_of(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

Result<Fingerprint> fingerprint_of(const object::Object& object) {
  DUET_ASSIGN(Json json, parse(object));
  json.erase("status");
  return Fingerprint{hash_of(json), hash_of(json.value("spec", Json()))};
}

Ownership ownership_of(const object::Object& stored) {
  Ownership ownership;
  const auto json = parse(stored);
  if (!json.ok()) {
    return ownership;
  }
  const Json& metadata = json->at("metadata");
  ownership.deleting = metadata.contains("deletionTimestamp");
  const auto annotations = metadata.find("annotations");
  if (annotations == metadata.end() || !annotations->is_object()) {
    return ownership;
  }
  ownership.source = text_of(*annotations, object::kSourceAnnotation);
  ownership.file = text_of(*annotations, kSourceFileAnnotation);
  const std::string hashes = text_of(*annotations, kSourceHashAnnotation);
  const size_t point = hashes.find('.');
  if (point != std::string::npos) {
    ownership.fingerprint = {hashes.substr(0, point), hashes.substr(point + 1)};
  }
  return ownership;
}

Result<object::Object> with_ownership(const object::Object& object, const std::string& source,
                                      const std::string& file, const Fingerprint& fingerprint) {
  DUET_ASSIGN(Json json, parse(object));
  Json& annotations = json["metadata"]["annotations"];
  if (!annotations.is_object()) {
    annotations = Json::object();
  }
  annotations[object::kSourceAnnotation] = source;
  annotations[kSourceFileAnnotation] = file;
  annotations[kSourceHashAnnotation] = fingerprint.whole + "." + fingerprint.spec;
  object::Object marked = object;
  marked.json = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  return marked;
}

}  // namespace duet::source
