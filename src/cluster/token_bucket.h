#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "sys/clock.h"

namespace duet::cluster {

// So many at once, then one more each time that `refill_ms` has passed. Not thread-safe.
class TokenBucket {
 public:
  TokenBucket(std::int64_t burst, std::int64_t refill_ms)
      : refill_(refill_ms), whole_(burst * refill_) {}

  // Takes the next token, and says when it is good: `now` or later.
  sys::MonotonicTime reserve(sys::MonotonicTime now) {
    full_at_ = std::max(full_at_, now) + refill_;
    return std::max(full_at_ - whole_, now);
  }
  bool is_full(sys::MonotonicTime now) const { return full_at_ <= now; }

 private:
  std::chrono::milliseconds refill_;
  std::chrono::milliseconds whole_;  // in which an empty one fills
  sys::MonotonicTime full_at_;
};

}  // namespace duet::cluster
