#pragma once

#include <string>
#include <vector>

#include "gateway/config.h"
#include "object/object.h"

namespace duet::route {

struct ReadRoutePolicy {
  gateway::RoutePolicy policy;
  gateway::InstanceReuse reuse;       // of the asynchronous handlers behind the route
  std::vector<std::string> problems;  // one sentence each; what is wrong keeps its default
};

// What the annotations of an HTTPRoute or an Ingress (object/annotations.h) ask of the requests of
// its clients, and `defaults` where they say nothing. Pure.
ReadRoutePolicy read_route_policy(const object::StringMap& annotations,
                                  const gateway::RoutePolicy& defaults);

}  // namespace duet::route
