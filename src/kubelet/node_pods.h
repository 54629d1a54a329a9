#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "kubelet/node_view.h"
#include "object/object.h"
#include "store/store.h"

// The pods of a Node under the names that its cluster knows them by: those that the cluster bound
// to it by their own, and the site's own by those of their mirrors. Thread-safe.
namespace duet::kubelet {

struct NodePod {
  std::string name;       // in the cluster
  object::Object object;  // as it stands in the store, status included
};
Result<std::vector<NodePod>> node_pods(store::Store& store, const NodeView& node);

// The pod that the cluster calls `key` on `node`, with that `uid` if it is not empty. kNotFound: it
// has none here.
Result<object::Object> find_node_pod(store::Store& store, const NodeView& node,
                                     const object::ObjectKey& key, const std::string& uid);

}  // namespace duet::kubelet
