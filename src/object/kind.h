#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "object/object.h"

namespace duet::object {

// How a kind is written, in manifests, in URLs and on the command line.
struct KindInfo {
  Kind kind;
  std::string_view name;         // HTTPRoute
  std::string_view api_version;  // gateway.networking.k8s.io/v1
  std::string_view plural;       // httproutes
  std::string_view short_name;   // po, deploy, svc, cm, ns, ing; empty: none
  bool namespaced;
};

std::span<const KindInfo> all_kinds();
const KindInfo& kind_info(Kind kind);
// By kind and API version as a manifest has them.
std::optional<Kind> find_kind(std::string_view api_version, std::string_view name);
// By what a person types: pod, pods, po, Pod, httproute, ... in any case.
std::optional<Kind> kind_from_word(std::string_view word);

// "pod default/web", for messages.
std::string describe(const ObjectKey& key);

}  // namespace duet::object
