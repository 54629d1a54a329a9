#include "route/pace.h"

#include <algorithm>
#include <chrono>

namespace duet::route {

namespace {

constexpr int kPauseFactor = 4;  // of the time that the work took
constexpr std::chrono::milliseconds kPauseLimit{1'000};

}  // namespace

std::int64_t Pace::begin() {
  begun_ = clock_.monotonic();
  return begun_ < not_before_
             ? std::chrono::ceil<std::chrono::milliseconds>(not_before_ - begun_).count()
             : 0;
}

void Pace::end() {
  const sys::MonotonicTime now = clock_.monotonic();
  not_before_ = now + std::min<sys::Duration>(kPauseFactor * (now - begun_), kPauseLimit);
}

}  // namespace duet::route
