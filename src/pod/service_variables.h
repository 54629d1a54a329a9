#pragma once

#include <cstddef>
#include <vector>

#include "object/kinds.h"
#include "pod/environment.h"

namespace duet::pod {

inline constexpr std::size_t kServiceVariablesBytes = 128 << 10;  // names and values of a container

struct ServiceVariables {
  Environment variables;
  std::size_t left_out = 0;  // Services for whose variables there was no room
};

// The variables by which a container finds `services`: for Service "web" with an address and port
// 80 WEB_SERVICE_HOST, WEB_SERVICE_PORT, a WEB_SERVICE_PORT_NAME for each named port, and the
// variables of Docker's links, WEB_PORT, WEB_PORT_80_TCP and so on (Kubernetes documentation,
// "Accessing the Service", "Environment variables"). A Service without an address of its own has
// none. Of those that do not fit into `size_bytes` there is nothing. Pure.
ServiceVariables service_variables(const std::vector<object::Service>& services,
                                   std::size_t size_bytes = kServiceVariablesBytes);

}  // namespace duet::pod
