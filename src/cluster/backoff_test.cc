#include "cluster/backoff.h"

#include <gtest/gtest.h>

#include <set>

namespace duet::cluster {
namespace {

TEST(Backoff, DoublesWithinItsJitterUpToTheLimit) {
  sys::SeededRandom random(1);
  Backoff backoff(100, 1'000, random);
  for (const std::int64_t whole : {100, 200, 400, 800, 1'000, 1'000}) {
    const std::int64_t pause = backoff.next_ms();
    EXPECT_LE(pause, whole);
    EXPECT_GE(pause, whole / 2);
  }
  backoff.reset();
  EXPECT_LE(backoff.next_ms(), 100);
}

TEST(Backoff, SpreadsNodesThatFailTogether) {
  std::set<std::int64_t> pauses;
  for (std::uint64_t node = 0; node < 50; ++node) {
    sys::SeededRandom random(node);
    pauses.insert(Backoff(1'000, 1'000, random).next_ms());
  }
  EXPECT_GT(pauses.size(), 40U);
}

}  // namespace
}  // namespace duet::cluster
