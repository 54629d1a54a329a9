#include "cluster/token_bucket.h"

#include <gtest/gtest.h>

namespace duet::cluster {
namespace {

using std::chrono::milliseconds;

constexpr sys::MonotonicTime kStart{std::chrono::hours(1)};

TEST(TokenBucket, GivesSoManyAtOnceAndThenOneAfterTheOther) {
  TokenBucket bucket(2, 100);
  EXPECT_EQ(bucket.reserve(kStart), kStart);
  EXPECT_EQ(bucket.reserve(kStart), kStart);
  EXPECT_EQ(bucket.reserve(kStart), kStart + milliseconds(100));
  EXPECT_EQ(bucket.reserve(kStart), kStart + milliseconds(200));
  // What was reserved is not given again.
  EXPECT_EQ(bucket.reserve(kStart + milliseconds(200)), kStart + milliseconds(300));
}

TEST(TokenBucket, FillsWithTimeButNotOver) {
  TokenBucket bucket(2, 100);
  EXPECT_TRUE(bucket.is_full(kStart));
  bucket.reserve(kStart);
  bucket.reserve(kStart);
  EXPECT_FALSE(bucket.is_full(kStart + milliseconds(199)));
  EXPECT_TRUE(bucket.is_full(kStart + milliseconds(200)));
  const auto later = kStart + std::chrono::hours(1);
  EXPECT_EQ(bucket.reserve(later), later);
  EXPECT_EQ(bucket.reserve(later), later);
  EXPECT_EQ(bucket.reserve(later), later + milliseconds(100));
}

}  // namespace
}  // namespace duet::cluster
