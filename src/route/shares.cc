#include "route/shares.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

namespace duet::route {

std::vector<gateway::WeightedBackend> weigh(std::vector<Share> shares) {
  constexpr double kSum = 1'000'000'000;  // of all weights; fits 32 bits
  double sum = 0;
  for (const auto& one : shares) {
    sum += one.share;
  }
  std::vector<gateway::WeightedBackend> out;
  for (auto& one : shares) {
    const auto weight =
        one.share > 0 ? std::max<std::uint32_t>(
                            1, static_cast<std::uint32_t>(std::lround(one.share / sum * kSum)))
                      : 0;
    out.push_back({std::move(one.backend), weight, std::move(one.filters)});
  }
  return out;
}

}  // namespace duet::route
