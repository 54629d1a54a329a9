#include "gateway/rate_limiter.h"

#include <gtest/gtest.h>

#include <string>

namespace duet::gateway {
namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kStart = 1'000'000 * kMs;
constexpr RateLimit kTenASecond{.count = 10, .period_ms = 1'000, .burst = 3};

net::IpAddress ip(const std::string& text) { return *net::IpAddress::parse(text); }

TEST(RateLimiter, LetsABurstPassAndThenTheRate) {
  RateLimiter limiter(1);
  const auto take = [&limiter](std::int64_t after_ms) {
    return limiter.take("r", ip("192.0.2.1"), kTenASecond, kStart + after_ms * kMs);
  };
  EXPECT_EQ(take(0), 0);
  EXPECT_EQ(take(0), 0);
  EXPECT_EQ(take(0), 0);
  EXPECT_EQ(take(0), 100 * kMs);
  EXPECT_EQ(take(60), 40 * kMs);  // what was refused took nothing
  EXPECT_EQ(take(100), 0);
  EXPECT_EQ(take(100), 100 * kMs);
  // After a silence the whole burst passes again, and no more.
  EXPECT_EQ(take(10'000), 0);
  EXPECT_EQ(take(10'000), 0);
  EXPECT_EQ(take(10'000), 0);
  EXPECT_EQ(take(10'000), 100 * kMs);
  // In a long time it is the rate.
  int passed = 0;
  for (std::int64_t ms = 20'000; ms < 30'000; ++ms) {
    passed += take(ms) == 0 ? 1 : 0;
  }
  EXPECT_EQ(passed, 102);  // ten seconds, and two more of the first burst
}

TEST(RateLimiter, TellsAddressesAndRoutesApart) {
  RateLimiter limiter(2);
  const RateLimit one{.count = 1, .period_ms = 3'600'000, .burst = 1};
  const auto takes = [&](const std::string& route, const std::string& address) {
    return limiter.take(route, ip(address), one, kStart) == 0;
  };
  EXPECT_TRUE(takes("r", "192.0.2.1"));
  EXPECT_FALSE(takes("r", "192.0.2.1"));
  EXPECT_FALSE(takes("r", "::ffff:192.0.2.1"));
  EXPECT_TRUE(takes("r", "192.0.2.2"));
  EXPECT_TRUE(takes("other", "192.0.2.1"));
  // A host can have every address of its /64.
  EXPECT_TRUE(takes("r", "2001:db8:0:1::1"));
  EXPECT_FALSE(takes("r", "2001:db8:0:1:ffff::2"));
  EXPECT_TRUE(takes("r", "2001:db8:0:2::1"));
}

TEST(RateLimiter, ManyAddressesDoNotMakeItForgetWhoAsksMuch) {
  RateLimiter limiter(3);
  const RateLimit limit{.count = 1, .period_ms = 60'000, .burst = 10};
  const auto busy = ip("192.0.2.1");
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(limiter.take("r", busy, limit, kStart), 0);
  }
  for (std::uint32_t i = 0; i < 4 * RateLimiter::kBuckets; ++i) {
    const auto other = net::IpAddress::from_bytes({reinterpret_cast<const char*>(&i), sizeof(i)});
    EXPECT_EQ(limiter.take("r", *other, limit, kStart), 0);
  }
  EXPECT_GT(limiter.take("r", busy, limit, kStart), 0);
}

TEST(RateLimiter, BearsTheLargestNumbers) {
  RateLimiter limiter(4);
  const RateLimit slow{.count = 1, .period_ms = 3'600'000, .burst = 1'000'000};
  const RateLimit fast{.count = 1'000'000, .period_ms = 1'000, .burst = 1};
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(limiter.take("slow", ip("::1"), slow, kStart), 0);
  }
  EXPECT_EQ(limiter.take("fast", ip("::1"), fast, kStart), 0);
  EXPECT_EQ(limiter.take("fast", ip("::1"), fast, kStart), 1'000);
}

}  // namespace
}  // namespace duet::gateway
