#include "cluster/mirror_pod.h"

namespace duet::cluster {
namespace {

constexpr const char* kMirrorAnnotation = "kubernetes.io/config.mirror";

// The members of `from` that are among `names`.
template <std::size_t N>
Json some_of(const Json& from, const char* const (&names)[N]) {
  Json out = Json::object();
  for (const char* name : names) {
    if (Json value = member(from, name); !value.is_null()) {
      out[name] = std::move(value);
    }
  }
  return out;
}

Json pictured_containers(const Json& containers) {
  Json out = Json::array();
  for (const Json& container : containers) {
    out.push_back(some_of(container, {"name", "image", "command", "args", "ports", "resources"}));
  }
  return out;
}

Json pictured_spec(const Json& spec, const std::string& node) {
  Json out = some_of(spec, {"restartPolicy", "hostNetwork", "terminationGracePeriodSeconds"});
  for (const char* list : {"containers", "initContainers"}) {
    if (member(spec, list).is_array()) {
      out[list] = pictured_containers(spec[list]);
    }
  }
  out["nodeName"] = node;
  out["automountServiceAccountToken"] = false;
  out["enableServiceLinks"] = false;
  // Nothing in the cluster shall try to get rid of it.
  out["tolerations"] = Json::array({{{"operator", "Exists"}}});
  return out;
}

}  // namespace

bool is_mirror(const Json& pod) { return !mirror_mark(pod).empty(); }

std::string mirror_name(const std::string& pod, const std::string& node) {
  return pod + "-" + node;
}

std::string mirror_mark(const Json& mirror) {
  return text_of(member(member(mirror, "metadata"), "annotations"), kMirrorAnnotation);
}

std::string mirror_mark(const object::Object& stored) {
  const Json json = Json::parse(stored.json, nullptr, false);
  const Json generation = member(member(json, "metadata"), "generation");
  return stored.uid + "-" +
         std::to_string(generation.is_number_integer() ? generation.get<std::int64_t>() : 0);
}

Json mirror_pod(const object::Object& stored, const std::string& node,
                const std::string& node_uid) {
  const Json json = Json::parse(stored.json, nullptr, false);
  Json metadata = {{"name", mirror_name(stored.key.name, node)},
                   {"namespace", stored.key.ns},
                   {"annotations", {{kMirrorAnnotation, mirror_mark(stored)}}},
                   {"ownerReferences",
                    {{{"apiVersion", "v1"},
                      {"kind", "Node"},
                      {"name", node},
                      {"uid", node_uid},
                      {"controller", true}}}}};
  if (const Json labels = member(member(json, "metadata"), "labels"); labels.is_object()) {
    metadata["labels"] = labels;
  }
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", std::move(metadata)},
          {"spec", pictured_spec(member(json, "spec"), node)}};
}

}  // namespace duet::cluster
