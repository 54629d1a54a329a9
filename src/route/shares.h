#pragma once

#include <string>
#include <vector>

#include "gateway/config.h"

namespace duet::route {

// A backend's part of a rule's requests, in any unit.
struct Share {
  std::string backend;
  double share = 1;
  gateway::Filters filters;
};

// The shares as whole numbers that keep their proportions. What has a share at all keeps one. Pure.
std::vector<gateway::WeightedBackend> weigh(std::vector<Share> shares);

}  // namespace duet::route
