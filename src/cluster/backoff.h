#pragma once

#include <cstdint>

#include "sys/randomness.h"

namespace duet::cluster {

// A number in [0, limit), spread evenly enough for pauses. limit must be positive.
std::int64_t random_below(sys::Random& random, std::int64_t limit);

// Pauses between attempts that fail: each is twice the one before, up to a limit, and somewhere
// between a half and the whole of that, so that nodes that were cut off together do not come back
// together. Not thread-safe.
class Backoff {
 public:
  // `random` must outlive this.
  Backoff(std::int64_t first_ms, std::int64_t limit_ms, sys::Random& random)
      : first_ms_(first_ms), limit_ms_(limit_ms), step_ms_(first_ms), random_(random) {}

  std::int64_t next_ms();
  // The last attempt went well.
  void reset() { step_ms_ = first_ms_; }

 private:
  std::int64_t first_ms_;
  std::int64_t limit_ms_;
  std::int64_t step_ms_;
  sys::Random& random_;
};

}  // namespace duet::cluster
