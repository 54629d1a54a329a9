#pragma once

#include <algorithm>
#include <cstdint>

namespace duet::gateway {

// How many requests of a service may be sent once more: one for each kRequestsPerRetry, and
// kReserve at once. So a failure of all servers costs them a fifth more requests, not a multiple.
class RetryBudget {
 public:
  static constexpr std::int32_t kRequestsPerRetry = 5;
  static constexpr std::int32_t kReserve = 10;

  void note_request() { left_ = std::min(left_ + 1, kReserve * kRequestsPerRetry); }
  // Takes one retry; false: there is none.
  bool take() {
    if (left_ < kRequestsPerRetry) {
      return false;
    }
    left_ -= kRequestsPerRetry;
    return true;
  }

 private:
  std::int32_t left_ = kReserve * kRequestsPerRetry;  // in parts of a retry
};

}  // namespace duet::gateway
