#pragma once

#include <string>
#include <vector>

#include "gateway/config.h"
#include "object/object.h"

namespace duet::route {

// What a Service's annotations say of how its containers are asked: times, retries, and when one is
// left out. What is wrong keeps its default and becomes a sentence in `problems`. Pure.
void read_upstream_policy(const object::StringMap& annotations, gateway::ProxyBackend& into,
                          std::vector<std::string>& problems);

}  // namespace duet::route
