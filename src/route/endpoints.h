#pragma once

#include <vector>

#include "gateway/config.h"
#include "object/kinds.h"
#include "object/pod.h"
#include "pod/handlers.h"

namespace duet::route {

// Where endpoints are looked for. What it refers to must outlive it.
struct Candidates {
  const std::vector<object::Pod>& pods;  // of this node
  const std::vector<pod::HandlerInstance>& handlers;
  const std::vector<const object::EndpointSlice*>& slices;  // of the Service
  bool cluster_is_away = false;  // what its slices say may not be true any more
};

// Who answers behind one port of a Service.
struct Endpoints {
  std::vector<const pod::HandlerInstance*> handlers;  // of the candidates
  std::vector<gateway::Endpoint> addresses;           // of containers here, and of others
};

// The ready pods of this node that `service` selects, by its port's target: a handler if the pod
// has one on that port, else the pod's address. Besides them what the slices say of others: the
// ready endpoints of the port's name, and where nobody at all is ready those that still serve while
// they end (as kube-proxy does). A pod of this node is never taken from a slice, and of the
// others at most 1 000. The Service may want this node's pods alone, or first; while the cluster is
// away they come before those that it told of. Pure.
Endpoints endpoints_of(const object::Service& service, const object::ServicePort& port,
                       const Candidates& candidates);

}  // namespace duet::route
