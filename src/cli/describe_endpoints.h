#pragma once

#include <string>

#include "cli/json_text.h"

namespace duet::cli {

// The label selector by which a Service finds its pods, as a query; empty: it selects none.
std::string selector_of(const Json& service);

// The label selector of the EndpointSlices of a Service, as a query.
std::string slices_of(const Json& service);

// The lines of `duet describe service` that say who answers: the ready ones of `pods` (a list's
// items, those that the service selects), and the ready endpoints of `slices` (its EndpointSlices)
// that are other pods; a line for each port of the service. A pod without an address of its own is
// a handler's, which the gateway answers for; its name is shown. Pure.
std::string describe_endpoints(const Json& service, const Json& pods, const Json& slices);

}  // namespace duet::cli
