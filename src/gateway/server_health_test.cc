#include "gateway/server_health.h"

#include <gtest/gtest.h>

namespace duet::gateway {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

TEST(ServerHealth, IsOutAfterFailuresInARowOnly) {
  ServerHealth health;
  const HealthPolicy policy{.failure_limit = 3};
  for (int turn = 0; turn < 5; ++turn) {
    EXPECT_FALSE(health.note_failure(policy, 0));
    EXPECT_FALSE(health.note_failure(policy, 0));
    health.note_answer();
  }
  EXPECT_FALSE(health.note_failure(policy, 0));
  EXPECT_FALSE(health.note_failure(policy, 0));
  EXPECT_TRUE(health.note_failure(policy, 0));
  EXPECT_TRUE(health.is_out(0));
  EXPECT_TRUE(health.is_out(kSecond - 1));
  EXPECT_FALSE(health.is_out(kSecond));
}

TEST(ServerHealth, OneRequestTriesItAndTheTimeGrows) {
  ServerHealth health;
  const HealthPolicy policy{.failure_limit = 1};
  std::int64_t now = 0;
  health.note_failure(policy, now);
  for (const std::int64_t out_ms : {1'000, 2'000, 4'000, 8'000, 16'000, 32'000, 60'000, 60'000}) {
    EXPECT_EQ(health.out_ms(), out_ms);
    EXPECT_FALSE(health.note_failure(policy, now));  // of an earlier request
    now += out_ms * 1'000'000;
    EXPECT_FALSE(health.is_out(now));
    health.note_request(now);
    EXPECT_TRUE(health.is_out(now));  // for the others
    EXPECT_TRUE(health.note_failure(policy, now));
  }
  now += 60 * kSecond;
  health.note_request(now);
  health.note_answer();
  EXPECT_FALSE(health.is_out(now));
  EXPECT_TRUE(health.note_failure(policy, now));
  EXPECT_EQ(health.out_ms(), 1'000);
}

TEST(ServerHealth, ATrialWithoutAnEndIsFollowedByAnother) {
  ServerHealth health;
  health.note_failure({.failure_limit = 1}, 0);
  health.note_request(kSecond);  // its client goes before the answer
  EXPECT_TRUE(health.is_out(2 * kSecond - 1));
  EXPECT_FALSE(health.is_out(2 * kSecond));
}

TEST(ServerHealth, NeverLeavesOutWhatNobodyAskedFor) {
  ServerHealth health;
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(health.note_failure({.failure_limit = 0}, 0));
  }
  EXPECT_FALSE(health.is_out(0));
}

}  // namespace
}  // namespace duet::gateway
