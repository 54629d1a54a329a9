#pragma once

#include <string>
#include <vector>

#include "gateway/config.h"
#include "object/object.h"
#include "object/pod.h"

// What a pod's manifest says of its handlers' budgets and rights: resources.limits.memory and the
// annotations of object/annotations.h.
namespace duet::route {

// One linear memory of a sandbox can have no more.
inline constexpr std::int64_t kSandboxMemoryBytes = 128 << 20;

struct HandlerPolicy {
  gateway::HandlerLimits limits;
  std::vector<gateway::OutboundRule> allow_outbound;
  bool passes_authorization = false;  // to WAGI handlers
  std::vector<std::string> problems;  // one sentence each; what is wrong keeps its default
};

HandlerPolicy handler_policy(const object::Resources& resources,
                             const object::StringMap& annotations);

}  // namespace duet::route
