#include "kubelet/node_pods.h"

#include <cstdint>
#include <optional>

#include "cluster/mirror_pod.h"
#include "cluster/pod_mirror.h"

namespace duet::kubelet {
namespace {

// Where a pod of the store comes from.
enum class Origin : std::uint8_t { kSite, kNode, kOtherNode };

Origin origin_of(const object::Object& pod, const NodeView& node) {
  const std::optional<std::string> bound = cluster::bound_node(pod);
  if (!bound) {
    return Origin::kSite;
  }
  return *bound == node.name ? Origin::kNode : Origin::kOtherNode;
}

// The key of the site's own pod whose mirror is called `key`.
object::ObjectKey mirrored_key(const object::ObjectKey& key, const NodeView& node) {
  const std::string end = cluster::mirror_name("", node.name);
  const bool fits = node.has_site_pods && key.name.size() > end.size() && key.name.ends_with(end);
  return {key.kind, key.ns, fits ? key.name.substr(0, key.name.size() - end.size()) : ""};
}

}  // namespace

Result<std::vector<NodePod>> node_pods(store::Store& store, const NodeView& node) {
  DUET_ASSIGN(auto listing, store.list(object::Kind::kPod));
  std::vector<NodePod> out;
  for (object::Object& one : listing.objects) {
    const Origin origin = origin_of(one, node);
    if (origin == Origin::kNode) {
      out.push_back({one.key.name, std::move(one)});
    } else if (origin == Origin::kSite && node.has_site_pods) {
      out.push_back({cluster::mirror_name(one.key.name, node.name), std::move(one)});
    }
  }
  return out;
}

Result<object::Object> find_node_pod(store::Store& store, const NodeView& node,
                                     const object::ObjectKey& key, const std::string& uid) {
  for (const Origin origin : {Origin::kNode, Origin::kSite}) {
    const bool mirrored = origin == Origin::kSite;
    const object::ObjectKey wanted = mirrored ? mirrored_key(key, node) : key;
    auto pod = wanted.name.empty() ? Result<object::Object>(not_found("")) : store.get(wanted);
    if (!pod.ok() && pod.error().code() != ErrorCode::kNotFound) {
      return pod;
    }
    if (pod.ok() && origin_of(*pod, node) == origin && (uid.empty() || pod->uid == uid)) {
      return pod;
    }
  }
  return not_found("pod \"" + key.ns + "/" + key.name + "\" does not exist on this node");
}

}  // namespace duet::kubelet
