#include "kubelet/node_pods.h"

#include "cluster/json_field.h"
#include "cluster/mirror_pod.h"
#include "object/source_mark.h"

namespace duet::kubelet {
namespace {

bool is_from_cluster(const object::Object& pod) {
  const auto json = cluster::Json::parse(pod.json, nullptr, false);
  const auto annotations = cluster::member(cluster::member(json, "metadata"), "annotations");
  return cluster::text_of(annotations, object::kSourceAnnotation) == object::kClusterSource;
}

// The key of the site's own pod whose mirror is called `key`.
object::ObjectKey mirrored_key(const object::ObjectKey& key, const std::string& node) {
  const std::string end = cluster::mirror_name("", node);
  const bool fits = key.name.size() > end.size() && key.name.ends_with(end);
  return {key.kind, key.ns, fits ? key.name.substr(0, key.name.size() - end.size()) : ""};
}

}  // namespace

Result<std::vector<NodePod>> node_pods(store::Store& store, const std::string& node) {
  DUET_ASSIGN(auto listing, store.list(object::Kind::kPod));
  std::vector<NodePod> out;
  for (object::Object& one : listing.objects) {
    std::string name =
        is_from_cluster(one) ? one.key.name : cluster::mirror_name(one.key.name, node);
    out.push_back({std::move(name), std::move(one)});
  }
  return out;
}

Result<object::Object> find_node_pod(store::Store& store, const std::string& node,
                                     const object::ObjectKey& key, const std::string& uid) {
  for (const bool own : {false, true}) {
    const object::ObjectKey wanted = own ? mirrored_key(key, node) : key;
    auto pod = wanted.name.empty() ? Result<object::Object>(not_found("")) : store.get(wanted);
    if (!pod.ok() && pod.error().code() != ErrorCode::kNotFound) {
      return pod;
    }
    if (pod.ok() && is_from_cluster(*pod) != own && (uid.empty() || pod->uid == uid)) {
      return pod;
    }
  }
  return not_found("pod \"" + key.ns + "/" + key.name + "\" does not exist on this node");
}

}  // namespace duet::kubelet
