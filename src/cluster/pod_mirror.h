#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "cluster/access.h"
#include "cluster/json_field.h"
#include "object/object.h"

// A cluster's pods and the node's own: what the one says about the other. Pure functions,
// thread-safe.
namespace duet::cluster {

// What a pod of the API server says that decides what to do with it.
struct ClusterPod {
  object::ObjectKey key;
  std::string uid;
  bool deleting = false;
  std::int64_t grace_seconds = 0;  // of the deletion
  bool over = false;               // its phase is Succeeded or Failed
  // The ConfigMaps and Secrets that it names, in its namespace. Those that it can start without are
  // among them.
  std::set<object::ObjectKey> references;
  Json object;
};
// kCorrupt: it has no name, namespace, uid or spec.
Result<ClusterPod> read_cluster_pod(Json object);

// The pod as it goes into the node's store: the cluster's, marked as such, without what only the
// cluster's own bookkeeping needs. `stored`: the one that is there already, if it is; its spec
// stays unless images changed, for a node's pods are not begun anew over what does not concern
// them. Its containers find `server` in KUBERNETES_SERVICE_HOST and _PORT, as clients of the API
// look for it.
object::Object stored_pod(const ClusterPod& pod, const object::Object* stored,
                          const Endpoint& server);

// Another object of the cluster (a ConfigMap, a Secret) as it goes into the store.
object::Object stored_object(const object::ObjectKey& key, Json object);

// Whether an object of the store came from a cluster.
bool is_of_cluster(const object::Object& stored);

// The Node that a cluster bound a pod of the store to; nothing: no cluster sent it.
std::optional<std::string> bound_node(const object::Object& stored);

// What to tell the server of the stored pod's status, as a strategic merge patch; nothing: it knows
// it already, or must not hear it (a pod that is over does not come back).
std::optional<Json> status_patch(const ClusterPod& pod, const object::Object& stored);
// The same for a pod that has its status from elsewhere.
std::optional<Json> status_patch(const ClusterPod& pod, Json status);

}  // namespace duet::cluster
