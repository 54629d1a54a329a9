#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cluster/gateway_listeners.h"
#include "cluster/json_field.h"

namespace duet::cluster {

// What one parentRef of an HTTPRoute is told by those who answer its Gateway.
struct ParentVerdict {
  Json parent;          // as the route has it
  std::string reason;   // of the condition Accepted (Gateway API): "Accepted", or why it is not
  std::string message;  // empty: it is accepted
};

// The merge patch that makes `route`, as the server has it, say the verdicts about its parents at
// the Gateway, and leaves alone what others say; nothing: it says so. It is for that version of the
// route, and any other answers 409. A text that says the same in other words is left as it is.
// `now` is RFC 3339. Pure.
std::optional<Json> http_route_status_patch(const Json& route, const GatewayName& gateway,
                                            const std::vector<ParentVerdict>& verdicts,
                                            const std::string& now);

}  // namespace duet::cluster
