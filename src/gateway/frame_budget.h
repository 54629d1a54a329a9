#pragma once

#include <algorithm>
#include <cstdint>

namespace duet::gateway {

// How many frames a client may send that cost work and bring nothing: a bucket of `burst` that
// fills by `per_second`. Past it the client floods.
class FrameBudget {
 public:
  constexpr FrameBudget(std::int64_t burst, std::int64_t per_second)
      : burst_(burst), ns_per_frame_(1'000'000'000 / per_second), left_(burst) {}

  // Takes one at the time `now_ns`; false: there is none.
  bool take(std::int64_t now_ns) {
    const std::int64_t fresh = (now_ns - filled_ns_) / ns_per_frame_;
    if (fresh > 0) {
      left_ = std::min(burst_, left_ + fresh);
      filled_ns_ = left_ == burst_ ? now_ns : filled_ns_ + fresh * ns_per_frame_;
    }
    return --left_ >= 0;
  }

 private:
  std::int64_t burst_;
  std::int64_t ns_per_frame_;
  std::int64_t left_;
  std::int64_t filled_ns_ = 0;
};

}  // namespace duet::gateway
