#pragma once

#include <vector>

#include "gateway/config.h"
#include "object/kinds.h"

namespace duet::route {

// What an HTTPRoute's filters ask of the gateway itself. Those that name a handler (ExtensionRef)
// are left out. Pure.
gateway::Filters plain_filters(const std::vector<object::HttpRouteFilter>& from);

}  // namespace duet::route
