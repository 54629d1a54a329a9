#pragma once

namespace duet::object {

// Who answers an HTTPRoute, in its status (RouteParentStatus.controllerName).
inline constexpr const char* kGatewayController = "duet.edge/gateway";

}  // namespace duet::object
