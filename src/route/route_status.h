#pragma once

#include <optional>
#include <string>
#include <vector>

#include "object/object.h"
#include "route/table_builder.h"

namespace duet::route {

// The status of an HTTPRoute as the Gateway API has it (RouteStatus): one entry for each parent
// that the route names, with the conditions Accepted and ResolvedRefs; the latter is False when a
// Service or a filter that the route names is missing, with the first problem's reason and what is
// wrong with all. `object` is the route as it is stored, whose conditions keep their transition
// times where they have not changed; `now` is RFC 3339. Nothing: the object cannot be read. Pure.
std::optional<std::string> http_route_status(const object::Object& object,
                                             const std::vector<RouteProblem>& problems,
                                             const std::string& now);

}  // namespace duet::route
