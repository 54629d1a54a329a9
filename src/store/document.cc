#include "store/document.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "object/kind.h"
#include "sys/rfc3339.h"

namespace duet::store {
namespace {

using Json = nlohmann::json;

constexpr int kDepthLimit = 128;  // nested objects and lists: dumping them recurses
constexpr size_t kNameLimit = 253;
constexpr const char* kMetadata = "metadata";
constexpr const char* kStatus = "status";

// Brackets outside strings, so that no parser has to go deep to find out.
bool too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      i += c == '\\' ? 1 : 0;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDepthLimit) {
        return true;
      }
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

Result<Json> parse(const std::string& text, const std::string& what) {
  if (too_deep(text)) {
    return invalid(what + ": nested deeper than " + std::to_string(kDepthLimit) + " levels");
  }
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    return invalid(what + ": not a JSON object");
  }
  return json;
}

// A document that passed check_document once; anything else means that the database is damaged.
Result<Json> parse_stored(const object::Object& stored) {
  auto json = parse(stored.json, object::describe(stored.key));
  if (!json.ok() || !(*json)[kMetadata].is_object()) {
    return Error(ErrorCode::kCorrupt,
                 object::describe(stored.key) + ": what the store holds is not an object");
  }
  return json;
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string text_of(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<int64_t> number_of(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_number_integer()) {
    return std::nullopt;
  }
  return found->get<int64_t>();
}

void set_version(Json& json, int64_t version) {
  json[kMetadata]["resourceVersion"] = std::to_string(version);
}

Status check_name(const object::ObjectKey& key) {
  const std::string& name = key.name;
  const bool bad_character = std::any_of(name.begin(), name.end(), [](unsigned char c) {
    return c <= ' ' || c == '/' || c == '%' || c == 0x7f;
  });
  if (name.empty() || name.size() > kNameLimit || bad_character || name == "." || name == "..") {
    return invalid("metadata.name: \"" + name + "\" cannot name an object");
  }
  const bool namespaced = object::kind_info(key.kind).namespaced;
  if (namespaced == key.ns.empty() || key.ns.find('/') != std::string::npos) {
    return invalid(object::describe(key) + ": metadata.namespace: " +
                   (namespaced ? "a namespace is needed" : "this kind has no namespace"));
  }
  return {};
}

Status check_metadata(const Json& metadata, const object::ObjectKey& key) {
  const std::string what = object::describe(key);
  if (!metadata.is_object()) {
    return invalid(what + ": metadata: not a JSON object");
  }
  if (text_of(metadata, "name") != key.name) {
    return invalid(what + ": metadata.name: not the name of the object");
  }
  if (metadata.contains("namespace") && text_of(metadata, "namespace") != key.ns) {
    return invalid(what + ": metadata.namespace: not the namespace of the object");
  }
  return {};
}

// Fields that the store, and nobody else, writes.
void drop_own_fields(Json& json) {
  json.erase(kStatus);
  for (const char* name : {"uid", "resourceVersion", "generation", "creationTimestamp",
                           "deletionTimestamp", "deletionGracePeriodSeconds"}) {
    json[kMetadata].erase(name);
  }
}

void set_identity(Json& json, const object::ObjectKey& key) {
  const object::KindInfo& info = object::kind_info(key.kind);
  json["apiVersion"] = info.api_version;
  json["kind"] = info.name;
  if (!key.ns.empty()) {
    json[kMetadata]["namespace"] = key.ns;
  }
}

// What says how an object should be: all but metadata and status.
Json wish_of(Json json) {
  json.erase(kMetadata);
  json.erase(kStatus);
  return json;
}

// As the Kubernetes API server does: an address that was given to a Service stays, if the new
// version does not ask for another.
void keep_cluster_ip(const Json& stored, Json& next) {
  const auto from = stored.find("spec");
  const auto to = next.find("spec");
  if (from == stored.end() || !from->is_object() || to == next.end() || !to->is_object() ||
      text_of(*to, "type") == "ExternalName") {
    return;
  }
  for (const char* name : {"clusterIP", "clusterIPs"}) {
    if (from->contains(name) && !to->contains(name)) {
      (*to)[name] = (*from)[name];
    }
  }
}

}  // namespace

Status check_document(const object::Object& object, size_t size_bytes) {
  DUET_TRY(check_name(object.key));
  const std::string what = object::describe(object.key);
  if (object.json.size() > size_bytes) {
    return Error(ErrorCode::kExhausted, what + ": " + std::to_string(object.json.size()) +
                                            " bytes, the limit is " + std::to_string(size_bytes));
  }
  DUET_ASSIGN(const Json json, parse(object.json, what));
  DUET_TRY(check_metadata(json.value(kMetadata, Json()), object.key));
  const object::KindInfo& info = object::kind_info(object.key.kind);
  if ((json.contains("kind") && text_of(json, "kind") != info.name) ||
      (json.contains("apiVersion") && text_of(json, "apiVersion") != info.api_version)) {
    return invalid(what + ": kind and apiVersion must be " + std::string(info.name) + " and " +
                   std::string(info.api_version));
  }
  if (json.contains("spec") && !json["spec"].is_object()) {
    return invalid(what + ": spec: not a JSON object");
  }
  return {};
}

std::optional<std::string> creation_timestamp(const object::Object& object) {
  const auto json = parse(object.json, object::describe(object.key));
  const std::string time =
      json.ok() ? text_of(json->value(kMetadata, Json::object()), "creationTimestamp") : "";
  return sys::parse_rfc3339(time) ? std::optional(time) : std::nullopt;
}

Result<std::string> born_document(const object::Object& object, const Birth& birth) {
  DUET_ASSIGN(Json json, parse(object.json, object::describe(object.key)));
  drop_own_fields(json);
  set_identity(json, object.key);
  Json& metadata = json[kMetadata];
  metadata["uid"] = birth.uid;
  metadata["generation"] = 1;
  metadata["creationTimestamp"] = birth.timestamp;
  if (object.key.kind == object::Kind::kNamespace) {
    json[kStatus] = {{"phase", "Active"}};
  }
  set_version(json, birth.version);
  return dump(json);
}

Result<Change> replaced_document(const object::Object& stored, const object::Object& next,
                                 int64_t version) {
  DUET_ASSIGN(const Json old, parse_stored(stored));
  DUET_ASSIGN(Json json, parse(next.json, object::describe(next.key)));
  const std::string given_uid =
      next.uid.empty() ? text_of(json.value(kMetadata, Json::object()), "uid") : next.uid;
  if (!given_uid.empty() && given_uid != stored.uid) {
    return Error(ErrorCode::kConflict, object::describe(next.key) + ": uid " + given_uid +
                                           " is gone, another object has its name now");
  }
  drop_own_fields(json);
  set_identity(json, next.key);
  for (const char* name : {"uid", "resourceVersion", "generation", "creationTimestamp",
                           "deletionTimestamp", "deletionGracePeriodSeconds"}) {
    if (old[kMetadata].contains(name)) {
      json[kMetadata][name] = old[kMetadata][name];
    }
  }
  if (old.contains(kStatus)) {
    json[kStatus] = old[kStatus];
  }
  if (next.key.kind == object::Kind::kService) {
    keep_cluster_ip(old, json);
  }
  if (json == old) {
    return Change{false, stored.json};
  }
  if (wish_of(json) != wish_of(old)) {
    json[kMetadata]["generation"] = number_of(old[kMetadata], "generation").value_or(1) + 1;
  }
  set_version(json, version);
  return Change{true, dump(json)};
}

Result<Change> status_document(const object::Object& stored, const std::string& status_json,
                               int64_t version) {
  DUET_ASSIGN(Json json, parse_stored(stored));
  DUET_ASSIGN(Json status, parse(status_json, object::describe(stored.key) + ": status"));
  if (json.value(kStatus, Json()) == status) {
    return Change{false, stored.json};
  }
  json[kStatus] = std::move(status);
  set_version(json, version);
  return Change{true, dump(json)};
}

Result<Change> marked_document(const object::Object& stored, sys::WallTime now,
                               int64_t grace_period_seconds, int64_t version) {
  DUET_ASSIGN(Json json, parse_stored(stored));
  Json& metadata = json[kMetadata];
  sys::WallTime asked = now;
  if (const auto end = sys::parse_rfc3339(text_of(metadata, "deletionTimestamp"))) {
    const int64_t given = number_of(metadata, "deletionGracePeriodSeconds").value_or(0);
    if (grace_period_seconds >= given) {
      return Change{false, stored.json};
    }
    asked = *end - std::chrono::seconds(given);
  }
  metadata["deletionTimestamp"] =
      sys::format_rfc3339(asked + std::chrono::seconds(grace_period_seconds));
  metadata["deletionGracePeriodSeconds"] = grace_period_seconds;
  if (stored.key.kind == object::Kind::kNamespace) {
    json[kStatus]["phase"] = "Terminating";
  }
  set_version(json, version);
  return Change{true, dump(json)};
}

Result<std::string> gone_document(const object::Object& stored, int64_t version) {
  DUET_ASSIGN(Json json, parse_stored(stored));
  set_version(json, version);
  return dump(json);
}

bool is_marked(const object::Object& stored) {
  const auto json = parse_stored(stored);
  return json.ok() && !text_of((*json)[kMetadata], "deletionTimestamp").empty();
}

int64_t pod_grace_period_seconds(const object::Object& pod) {
  constexpr int64_t kDefault = 30;
  constexpr int64_t kLimit = 30LL * 24 * 3600;
  const auto json = parse_stored(pod);
  if (!json.ok()) {
    return kDefault;
  }
  const Json spec = json->value("spec", Json::object());
  const auto grace =
      spec.is_object() ? number_of(spec, "terminationGracePeriodSeconds") : std::nullopt;
  // Kubernetes takes a negative period for one second.
  return grace ? (*grace < 0 ? 1 : std::min(*grace, kLimit)) : kDefault;
}

}  // namespace duet::store
