#include "sys/clock.h"

#include <gtest/gtest.h>

namespace duet::sys {
namespace {

TEST(Clock, FormatsAsKubernetesDoes) {
  const WallTime time{std::chrono::seconds(1'700'000'000) + std::chrono::nanoseconds(42)};
  EXPECT_EQ(format_rfc3339(time), "2023-11-14T22:13:20Z");
  EXPECT_EQ(format_rfc3339_nano(time), "2023-11-14T22:13:20.000000042Z");
}

TEST(Clock, ManualClockMovesBothTimes) {
  ManualClock clock{WallTime{}};
  const auto before = clock.monotonic();
  clock.advance(std::chrono::seconds(5));
  EXPECT_EQ(clock.now().time_since_epoch(), std::chrono::seconds(5));
  EXPECT_EQ(clock.monotonic() - before, std::chrono::seconds(5));
}

}  // namespace
}  // namespace duet::sys
