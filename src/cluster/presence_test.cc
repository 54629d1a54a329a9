#include "cluster/presence.h"

#include <gtest/gtest.h>

namespace duet::cluster {
namespace {

TEST(Presence, ItIsAwayUntilItAnsweredAndAfterALongSilence) {
  sys::ManualClock clock{sys::WallTime()};
  Presence server(clock, 40'000);
  EXPECT_TRUE(server.is_away());
  EXPECT_FALSE(server.note(false));
  EXPECT_TRUE(server.note(true));
  EXPECT_FALSE(server.is_away());
  EXPECT_FALSE(server.note(true));
  clock.advance(std::chrono::milliseconds(39'999));
  EXPECT_FALSE(server.note(false));
  EXPECT_FALSE(server.is_away());
  clock.advance(std::chrono::milliseconds(1));
  EXPECT_TRUE(server.note(false));
  EXPECT_TRUE(server.is_away());
  EXPECT_FALSE(server.note(false));
  EXPECT_TRUE(server.note(true));
  EXPECT_FALSE(server.is_away());
}

}  // namespace
}  // namespace duet::cluster
