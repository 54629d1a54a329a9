#include "route/pace.h"

#include <gtest/gtest.h>

namespace duet::route {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST(Pace, APauseIsFourTimesAsLongAsTheWork) {
  sys::ManualClock clock{sys::WallTime()};
  Pace pace(clock);
  EXPECT_EQ(pace.begin(), 0);
  clock.advance(milliseconds(10));
  pace.end();
  EXPECT_EQ(pace.begin(), 40);
  clock.advance(milliseconds(39) + microseconds(1));
  EXPECT_EQ(pace.begin(), 1);
  clock.advance(milliseconds(1));
  EXPECT_EQ(pace.begin(), 0);
}

TEST(Pace, APauseIsBounded) {
  sys::ManualClock clock{sys::WallTime()};
  Pace pace(clock);
  EXPECT_EQ(pace.begin(), 0);
  clock.advance(milliseconds(5'000));
  pace.end();
  EXPECT_EQ(pace.begin(), 1'000);
}

}  // namespace
}  // namespace duet::route
