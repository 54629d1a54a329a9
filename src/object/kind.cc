#include "object/kind.h"

#include <algorithm>
#include <array>

namespace duet::object {
namespace {

constexpr std::array kKinds = {
    KindInfo{Kind::kPod, "Pod", "v1", "pods", "po", true},
    KindInfo{Kind::kDeployment, "Deployment", "apps/v1", "deployments", "deploy", true},
    KindInfo{Kind::kService, "Service", "v1", "services", "svc", true},
    KindInfo{Kind::kConfigMap, "ConfigMap", "v1", "configmaps", "cm", true},
    KindInfo{Kind::kSecret, "Secret", "v1", "secrets", "", true},
    KindInfo{Kind::kNamespace, "Namespace", "v1", "namespaces", "ns", false},
    KindInfo{Kind::kIngress, "Ingress", "networking.k8s.io/v1", "ingresses", "ing", true},
    KindInfo{Kind::kHttpRoute, "HTTPRoute", "gateway.networking.k8s.io/v1", "httproutes", "", true},
    KindInfo{Kind::kEndpointSlice, "EndpointSlice", "discovery.k8s.io/v1", "endpointslices", "",
             true},
    KindInfo{Kind::kEvent, "Event", "v1", "events", "ev", true},
};

constexpr bool in_order_of_the_enum() {
  for (size_t i = 0; i < kKinds.size(); ++i) {
    if (static_cast<size_t>(kKinds[i].kind) != i) {
      return false;
    }
  }
  return true;
}
static_assert(in_order_of_the_enum(), "kind_info() takes the kind as the index");

std::string to_lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

// Without the API group that may follow a word: deployments.apps, httproutes.gateway.networking...
// Empty when the group is not the kind's.
std::string_view without_group(std::string_view word, const KindInfo& info) {
  const size_t dot = word.find('.');
  if (dot == std::string_view::npos) {
    return word;
  }
  const size_t slash = info.api_version.find('/');
  const std::string_view group =
      slash == std::string_view::npos ? "" : info.api_version.substr(0, slash);
  return !group.empty() && word.substr(dot + 1) == group ? word.substr(0, dot) : "";
}

}  // namespace

std::span<const KindInfo> all_kinds() { return kKinds; }

const KindInfo& kind_info(Kind kind) { return kKinds.at(static_cast<size_t>(kind)); }

std::optional<Kind> find_kind(std::string_view api_version, std::string_view name) {
  for (const KindInfo& info : kKinds) {
    if (info.api_version == api_version && info.name == name) {
      return info.kind;
    }
  }
  return std::nullopt;
}

std::optional<Kind> kind_from_word(std::string_view word) {
  const std::string typed = to_lower(word);
  for (const KindInfo& info : kKinds) {
    const std::string_view plain = without_group(typed, info);
    if (!plain.empty() &&
        (plain == to_lower(info.name) || plain == info.plural || plain == info.short_name)) {
      return info.kind;
    }
  }
  return std::nullopt;
}

std::string describe(const ObjectKey& key) {
  const std::string kind = to_lower(kind_info(key.kind).name);
  return kind + " " + (key.ns.empty() ? "" : key.ns + "/") + key.name;
}

}  // namespace duet::object
