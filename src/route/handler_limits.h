#pragma once

#include <string>
#include <vector>

#include "gateway/config.h"
#include "object/object.h"
#include "object/pod.h"

// What a pod's manifest says of its handlers' budgets and rights: resources.limits.memory and the
// annotations
//   duet.edge/cpu-time            CPU time of one request                       50ms
//   duet.edge/first-byte-timeout  wall time to the response's head              10s
//   duet.edge/timeout             wall time of the whole request                30s
//   duet.edge/max-in-flight       requests at the same time                     256
//   duet.edge/max-response-bytes  body of one response, a quantity              256Mi
//   duet.edge/max-outgoing        outgoing requests of one request              32
//   duet.edge/allow-outbound      where it may connect: "http://api:8080, https://*.example.com"
//   nowhere
namespace duet::route {

struct HandlerPolicy {
  gateway::HandlerLimits limits;
  std::vector<gateway::OutboundRule> allow_outbound;
  std::vector<std::string> problems;  // one sentence each; what is wrong keeps its default
};

HandlerPolicy handler_policy(const object::Resources& resources,
                             const object::StringMap& annotations);

// A duration of the Gateway API (GEP-2257) or Go: 500ms, 10s, 1m30s; nothing if it is neither.
std::optional<std::int64_t> parse_duration_ms(const std::string& text);

}  // namespace duet::route
