#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace duet::object {

// The kinds that duet knows. Every kind has one API version (see kind.h), so the kind alone names
// it.
enum class Kind {
  kPod,
  kDeployment,
  kService,
  kConfigMap,
  kSecret,
  kNamespace,
  kIngress,
  kHttpRoute,
  kEndpointSlice,
  kEvent,
};

// Names one object. Cluster-scoped kinds (Namespace) have an empty `ns`.
struct ObjectKey {
  Kind kind = Kind::kPod;
  std::string ns;
  std::string name;
  auto operator<=>(const ObjectKey&) const = default;
};

// One object as it is stored: its whole JSON, so that fields duet does not know survive, and what
// the store needs to know of it. `json` holds the same uid and resourceVersion as the members do.
struct Object {
  ObjectKey key;
  std::string uid;
  int64_t resource_version = 0;
  std::string json;
};

using StringMap = std::map<std::string, std::string>;

// ObjectMeta, as far as duet reads it.
struct Meta {
  std::string name;
  std::string ns;
  std::string uid;
  int64_t resource_version = 0;
  int64_t generation = 0;
  StringMap labels;
  StringMap annotations;
  std::string creation_timestamp;  // RFC 3339
  std::string deletion_timestamp;  // RFC 3339; empty: it lives
  int64_t deletion_grace_period_seconds = 0;
  std::string owner_kind;  // of the owner reference with controller: true; empty: none
  std::string owner_name;
  std::string owner_uid;
};

}  // namespace duet::object
