#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/json_field.h"

// Which HTTPRoutes of a cluster a Gateway takes, as its listeners say (Gateway API v1,
// ParentReference and AllowedRoutes). Pure functions over what a server sent, whatever it sent;
// thread-safe.
namespace duet::cluster {

// The name of the API group, in references and paths.
inline constexpr const char* kGatewayGroup = "gateway.networking.k8s.io";

// Names a Gateway of a cluster.
struct GatewayName {
  std::string ns;
  std::string name;
};
// From "NAMESPACE/NAME". kInvalid: it is something else.
Result<GatewayName> parse_gateway_name(const std::string& text);

// Whether a ParentReference of a route in the namespace `own` names the Gateway.
bool names(const Json& parent, const std::string& own, const GatewayName& gateway);
// The parentRefs of an HTTPRoute that name the Gateway, in their order.
std::vector<Json> parents_named(const Json& route, const GatewayName& gateway);

// What becomes of an HTTPRoute at a Gateway.
struct Attachment {
  // A reason of the condition Accepted: "Accepted", or why no listener takes the route.
  std::string reason;
  std::string message;                 // empty: it is accepted
  std::vector<std::string> hostnames;  // that it is answered for there; empty: for all
  bool accepted() const { return message.empty(); }
};
// By way of `parents`, some or all of parents_named(). Of a namespace nothing but its name is known
// here, so a selector that asks for other labels than kubernetes.io/metadata.name takes nobody. A
// listener's port is compared with one that a parent names, no more: a node listens where its
// configuration says.
Attachment attach(const Json& gateway, const std::vector<Json>& parents, const Json& route);

}  // namespace duet::cluster
