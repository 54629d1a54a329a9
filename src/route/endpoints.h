#pragma once

#include <vector>

#include "gateway/config.h"
#include "object/kinds.h"
#include "object/pod.h"
#include "pod/handlers.h"

namespace duet::route {

// Who answers behind one port of a Service.
struct Endpoints {
  std::vector<const pod::HandlerInstance*> handlers;  // of the handlers that were given
  std::vector<gateway::Endpoint> addresses;           // of containers
};

// The ready pods that `service` selects, by its port's target: a handler if the pod has one on that
// port, else the pod's address. Pure.
Endpoints endpoints_of(const object::Service& service, const object::ServicePort& port,
                       const std::vector<object::Pod>& pods,
                       const std::vector<pod::HandlerInstance>& handlers);

}  // namespace duet::route
