#include "object/manifest.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "object/check_fields.h"
#include "object/check_kinds.h"
#include "object/findings.h"
#include "object/format.h"
#include "object/json_node.h"
#include "object/kind.h"
#include "object/schema.h"
#include "object/yaml_reader.h"

namespace duet::object {

using nlohmann::json;
using Type = MarkedNode::Type;

namespace {

// Kinds of Kubernetes that duet has no controller for.
constexpr std::array kOtherKinds =
    std::to_array<std::string_view>({"Job",
                                     "CronJob",
                                     "DaemonSet",
                                     "StatefulSet",
                                     "ReplicaSet",
                                     "ReplicationController",
                                     "PersistentVolume",
                                     "PersistentVolumeClaim",
                                     "StorageClass",
                                     "ServiceAccount",
                                     "Role",
                                     "RoleBinding",
                                     "ClusterRole",
                                     "ClusterRoleBinding",
                                     "NetworkPolicy",
                                     "IngressClass",
                                     "Endpoints",
                                     "HorizontalPodAutoscaler",
                                     "PodDisruptionBudget",
                                     "ResourceQuota",
                                     "LimitRange",
                                     "CustomResourceDefinition",
                                     "Gateway",
                                     "GatewayClass",
                                     "GRPCRoute",
                                     "TLSRoute",
                                     "TCPRoute",
                                     "UDPRoute",
                                     "BackendTLSPolicy",
                                     "ReferenceGrant",
                                     "RuntimeClass",
                                     "PriorityClass",
                                     "VolumeAttachment",
                                     "Lease",
                                     "ControllerRevision",
                                     "PodTemplate",
                                     "ValidatingWebhookConfiguration",
                                     "MutatingWebhookConfiguration",
                                     "APIService"});

// Turns documents into objects.
class Loader {
 public:
  Loader(const std::string& file, const std::string& default_namespace,
         const ManifestLimits& limits, Manifest& out)
      : default_namespace_(default_namespace),
        findings_(file, limits.problem_limit, out.problems),
        out_(out) {}

  void load(const MarkedNode& document, bool sound) {
    const Place place(&document, "", document.mark, findings_);
    if (!document.is(Type::kMap)) {
      place.error("expected an object with apiVersion, kind and metadata, found " +
                  describe_json_type(to_json(document)));
    } else if (place["kind"].text() == "List" && place["apiVersion"].text() == "v1") {
      load_list(place["items"], sound);
    } else {
      load_object(place, sound);
    }
  }

 private:
  void load_list(const Place& items, bool sound) {
    if (items.present() && !items.node()->is(Type::kList)) {
      items.error("expected a list");
    }
    items.each([&](const Place& item) {
      if (item.node()->is(Type::kMap)) {
        load_object(item, sound);
      } else {
        item.error("expected an object with apiVersion, kind and metadata");
      }
    });
  }

  void load_object(const Place& place, bool sound) {
    const size_t errors_before = findings_.errors();
    const std::optional<Kind> kind = kind_of(place);
    if (!kind) {
      return;
    }
    check_fields(place, schema_of(*kind));
    check_kind(place, *kind);
    if (sound && findings_.errors() == errors_before) {
      add(place, *kind);
    }
  }

  std::optional<Kind> kind_of(const Place& place) {
    bool given = true;
    for (const char* member : {"apiVersion", "kind"}) {
      const Place field = place[member];
      if (field.present() && !field.node()->is(Type::kString)) {
        field.error("expected a string");
        given = false;
      } else if (field.text().empty()) {
        field.error("is required and missing");
        given = false;
      }
    }
    if (!given) {
      return std::nullopt;
    }
    const auto kind = find_kind(place["apiVersion"].text(), place["kind"].text());
    if (!kind) {
      unknown_kind(place);
    }
    return kind;
  }

  static void unknown_kind(const Place& place) {
    const std::string name = place["kind"].text();
    std::vector<std::string_view> names;
    for (const KindInfo& info : all_kinds()) {
      if (info.name == name) {
        place["apiVersion"].error(quote(place["apiVersion"].text()) + " has no " + name +
                                  " that duet supports; write \"" + std::string(info.api_version) +
                                  "\"");
        return;
      }
      names.push_back(info.name);
    }
    if (std::find(kOtherKinds.begin(), kOtherKinds.end(), name) != kOtherKinds.end()) {
      place["kind"].error("Kubernetes knows the kind " + quote(name) +
                          ", duet does not support it");
      return;
    }
    const std::string_view meant = nearest_word(name, names);
    place["kind"].error("the kind " + quote(name) + " is not known" +
                        (meant.empty() ? "" : ", did you mean \"" + std::string(meant) + "\"?"));
  }

  void add(const Place& place, Kind kind) {
    json object = to_json(without_read_only(*place.node(), schema_of(kind)));
    json& meta = object["metadata"];
    ManifestObject entry;
    entry.line = place.mark().line;
    entry.object.key = {kind, "", place["metadata"]["name"].text()};
    if (kind_info(kind).namespaced) {
      entry.object.key.ns = place["metadata"]["namespace"].text();
      if (entry.object.key.ns.empty()) {
        entry.object.key.ns = default_namespace_;
      }
      meta["namespace"] = entry.object.key.ns;
    }
    const auto [earlier, fresh] = lines_.emplace(entry.object.key, entry.line);
    if (!fresh) {
      place["metadata"]["name"].error(describe(entry.object.key) + " is at line " +
                                      std::to_string(earlier->second) + " already");
      return;
    }
    entry.object.json = object.dump();
    out_.objects.push_back(std::move(entry));
  }

  const std::string& default_namespace_;
  Findings findings_;
  Manifest& out_;
  std::map<ObjectKey, int> lines_;
};

size_t count_values(const json& value, size_t limit) {
  size_t count = 1;
  for (const json& item : value) {
    if (count > limit || !value.is_structured()) {
      break;
    }
    count += count_values(item, limit - std::min(limit, count));
  }
  return count;
}

}  // namespace

bool Manifest::ok() const {
  return std::none_of(problems.begin(), problems.end(), [](const Problem& problem) {
    return problem.severity == Problem::Severity::kError;
  });
}

namespace {

void load_json(const std::string& text, const std::string& file,
               const std::string& default_namespace, const ManifestLimits& limits, Manifest& out) {
  auto parsed = parse_json(text);
  if (!parsed.ok()) {
    out.problems.push_back({.file = file, .message = parsed.error().message()});
    return;
  }
  if (count_values(*parsed, limits.node_limit) > limits.node_limit) {
    out.problems.push_back(
        {.file = file,
         .message = "the object has more than " + std::to_string(limits.node_limit) + " values"});
    return;
  }
  Loader(file, default_namespace, limits, out).load(from_json(*parsed), true);
}

// YAML has no \u escapes for characters beyond the first plane, JSON has them in pairs. So what
// fails as YAML and is JSON is read as JSON.
bool is_json_alone(const std::string& text, const YamlStream& stream) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  return stream.documents.empty() && !stream.problems.empty() && first != std::string::npos &&
         text[first] == '{' && text.find("\\u") != std::string::npos && json::accept(text);
}

}  // namespace

Manifest parse_object(const std::string& text, const std::string& default_namespace,
                      const ManifestLimits& limits) {
  Manifest out;
  if (text.size() > limits.size_bytes) {
    out.problems.push_back({.message = "the object has " + std::to_string(text.size()) +
                                       " bytes; at most " + std::to_string(limits.size_bytes) +
                                       " are read"});
    return out;
  }
  load_json(text, "", default_namespace, limits, out);
  return out;
}

Manifest parse_manifest(const std::string& text, const std::string& file,
                        const std::string& default_namespace, const ManifestLimits& limits) {
  Manifest out;
  YamlStream stream = read_yaml(text, file, limits);
  if (text.size() <= limits.size_bytes && is_json_alone(text, stream)) {
    load_json(text, file, default_namespace, limits, out);
    return out;
  }
  out.problems = std::move(stream.problems);
  Loader loader(file, default_namespace, limits, out);
  for (const YamlDocument& document : stream.documents) {
    loader.load(document.root, document.sound);
  }
  std::sort(out.problems.begin(), out.problems.end(), [](const auto& a, const auto& b) {
    return std::tie(a.line, a.column, a.field) < std::tie(b.line, b.column, b.field);
  });
  return out;
}

}  // namespace duet::object
