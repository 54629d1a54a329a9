#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "gateway/config.h"
#include "object/object.h"
#include "route/table_builder.h"

namespace duet::route {

// On a namespace: whose it is. Handlers of namespaces of different tenants run in different worker
// groups; those of namespaces without it in the group that has the clients.
inline constexpr const char* kTenantLabel = "duet.edge/tenant";

// A site's routes, a table for each worker group.
struct GroupTables {
  gateway::RouteTable shared;  // listeners' group: all routes, proxies, and handlers of nobody
  std::map<std::string, gateway::RouteTable> tenants;  // by the label's value
  std::vector<PodListener> pod_listeners;  // of the shared table, where all clients come in
  bool operator==(const GroupTables&) const = default;
};

// Divides `whole` by the labels of `namespaces`: a tenant's table has its handlers, and the
// Services that one of them may ask by its duet.edge/allow-outbound; nothing else, so that a guest
// that broke out finds no other tenant's environment and no key. In the shared table they are
// handlers of another group. Past `tenant_limit` tenants with handlers, the youngest namespaces'
// handlers are answered by 503 TooManyTenants, and `problems` says so. Pure.
GroupTables divide_by_tenant(const gateway::RouteTable& whole,
                             const std::vector<object::Meta>& namespaces, std::size_t tenant_limit,
                             std::vector<RouteProblem>& problems);

// What a tenant's gateway serves while the shared group still has its old table: `next`, but with
// handlers that move away, and where a Service leads to handlers of other groups that `last` does
// not know, as `last` has it. So nobody is asked for what is not there yet, or no more. Pure.
gateway::RouteTable before_the_shared(const gateway::RouteTable& last,
                                      const gateway::RouteTable& next);

}  // namespace duet::route
