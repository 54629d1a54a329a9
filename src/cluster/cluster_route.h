#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cluster/gateway_listeners.h"
#include "cluster/http_route_status.h"
#include "cluster/json_field.h"
#include "object/object.h"

namespace duet::cluster {

// What becomes of a cluster's HTTPRoute on this node.
struct ClusterRoute {
  std::optional<object::Object> object;  // as the store gets it; nothing: it is left out
  std::string problem;                   // why it is left out
  std::vector<ParentVerdict> verdicts;   // for its parentRefs that name the Gateway
};

// `route` and `gateway`, the Gateway of that name, are as the server has them. The route is taken
// as a whole or not at all: one with something that duet does not do (docs/kubernetes.md) would
// answer otherwise than it says. Services of other namespaces need a ReferenceGrant, which nobody
// looks at here, so that they are refused. Its hostnames are what the Gateway's listeners leave of
// them. Pure, thread-safe.
ClusterRoute cluster_route(const object::ObjectKey& key, Json route, const GatewayName& name,
                           const Json& gateway);

}  // namespace duet::cluster
