#include "gateway/server_health.h"

#include <algorithm>

namespace duet::gateway {

bool ServerHealth::note_failure(const HealthPolicy& policy, std::int64_t now_ns) {
  if (policy.failure_limit == 0) {
    return false;
  }
  ++failures_;
  // Requests that began before it was out say nothing new.
  const bool over = trial_ || (failures_ >= policy.failure_limit && !is_out(now_ns));
  if (!over) {
    return false;
  }
  trial_ = false;
  failures_ = 0;
  out_ms_ = out_ms_ == 0 ? kFirstOutMs : std::min(2 * out_ms_, kLongestOutMs);
  out_until_ns_ = now_ns + out_ms_ * kNsPerMs;
  return true;
}

}  // namespace duet::gateway
