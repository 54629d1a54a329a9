#include "cluster/backoff.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace duet::cluster {

std::int64_t random_below(sys::Random& random, std::int64_t limit) {
  std::array<std::uint8_t, sizeof(std::uint64_t)> bytes{};
  random.fill(bytes);
  std::uint64_t number = 0;
  std::memcpy(&number, bytes.data(), bytes.size());
  return static_cast<std::int64_t>(number % static_cast<std::uint64_t>(limit));
}

std::int64_t Backoff::next_ms() {
  const std::int64_t whole = step_ms_;
  step_ms_ = std::min(limit_ms_, step_ms_ * 2);
  return whole - random_below(random_, whole / 2 + 1);
}

}  // namespace duet::cluster
