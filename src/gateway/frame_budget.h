#pragma once

#include <algorithm>
#include <cstdint>

namespace duet::gateway {

// How many frames a client may send that cost work and bring nothing: a bucket of kBurst that fills
// by kPerSecond. Past it the client floods.
class FrameBudget {
 public:
  static constexpr std::int64_t kBurst = 1000;
  static constexpr std::int64_t kPerSecond = 100;

  // Takes one at the time `now_ns`; false: there is none.
  bool take(std::int64_t now_ns) {
    constexpr std::int64_t kNsPerFrame = 1'000'000'000 / kPerSecond;
    const std::int64_t fresh = (now_ns - filled_ns_) / kNsPerFrame;
    if (fresh > 0) {
      left_ = std::min(kBurst, left_ + fresh);
      filled_ns_ = left_ == kBurst ? now_ns : filled_ns_ + fresh * kNsPerFrame;
    }
    return --left_ >= 0;
  }

 private:
  std::int64_t left_ = kBurst;
  std::int64_t filled_ns_ = 0;
};

}  // namespace duet::gateway
