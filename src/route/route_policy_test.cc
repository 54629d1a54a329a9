#include "route/route_policy.h"

#include <gtest/gtest.h>

#include "object/annotations.h"

namespace duet::route {
namespace {

TEST(RoutePolicy, HasTheNodesDefaults) {
  const auto read = read_route_policy({{"other/annotation", "x"}}, {.request_bytes = 7});
  EXPECT_EQ(read.policy, gateway::RoutePolicy{.request_bytes = 7});
  EXPECT_TRUE(read.problems.empty());
  EXPECT_EQ(gateway::RoutePolicy().request_bytes,
            object::find_annotation("max-request-bytes")->standard);
}

TEST(RoutePolicy, ReadsAnnotations) {
  const auto read = read_route_policy({{"duet.edge/max-request-bytes", "1Mi"}}, {});
  EXPECT_EQ(read.policy.request_bytes, 1 << 20);
  EXPECT_EQ(read_route_policy({{"duet.edge/max-request-bytes", "0"}}, {}).policy.request_bytes, 0);
  EXPECT_TRUE(read.problems.empty());
}

TEST(RoutePolicy, ReadsRates) {
  const auto rate = [](const object::StringMap& annotations) {
    const auto read = read_route_policy(annotations, {});
    EXPECT_TRUE(read.problems.empty());
    return read.policy.rate;
  };
  const gateway::RateLimit plain{.count = 600, .period_ms = 60'000, .burst = 600};
  EXPECT_EQ(rate({{"duet.edge/rate-limit", "600/m"}}), plain);
  const gateway::RateLimit burst{.count = 10, .period_ms = 1'000, .burst = 30};
  EXPECT_EQ(rate({{"duet.edge/rate-limit", "10/s"}, {"duet.edge/rate-limit-burst", "30"}}), burst);
  EXPECT_EQ(rate({{"duet.edge/rate-limit-burst", "30"}}).count, 0);
  EXPECT_EQ(read_route_policy({{"duet.edge/rate-limit", "much"}}, {}).problems.size(), 1U);
}

TEST(RoutePolicy, ReadsCompression) {
  const auto compress = [](const object::StringMap& annotations, bool standard) {
    return read_route_policy(annotations, {.compress = standard}).policy.compress;
  };
  EXPECT_TRUE(compress({{"duet.edge/compression", "gzip"}}, false));
  EXPECT_FALSE(compress({{"duet.edge/compression", "off"}}, true));
  EXPECT_TRUE(compress({}, true));
  EXPECT_FALSE(compress({}, false));
}

TEST(RoutePolicy, ReadsHowOftenSandboxesAreUsed) {
  const auto plain = read_route_policy({}, {});
  EXPECT_EQ(plain.reuse, gateway::InstanceReuse());
  EXPECT_EQ(plain.reuse.requests, object::find_annotation("instance-reuse")->standard);
  EXPECT_EQ(plain.reuse.concurrency, object::find_annotation("instance-concurrency")->standard);
  const auto both = read_route_policy(
      {{"duet.edge/instance-reuse", "100"}, {"duet.edge/instance-concurrency", "8"}}, {});
  EXPECT_EQ(both.reuse, (gateway::InstanceReuse{.requests = 100, .concurrency = 8}));
  EXPECT_TRUE(both.problems.empty());
  const auto too_many = read_route_policy({{"duet.edge/instance-concurrency", "8"}}, {});
  EXPECT_EQ(too_many.reuse, gateway::InstanceReuse());
  EXPECT_EQ(too_many.problems.size(), 1U);
}

TEST(RoutePolicy, WhatIsWrongKeepsItsDefaultAndIsNamed) {
  const auto read = read_route_policy({{"duet.edge/max-request-bytes", "much"}}, {});
  EXPECT_EQ(read.policy, gateway::RoutePolicy());
  ASSERT_EQ(read.problems.size(), 1U);
  EXPECT_TRUE(read.problems[0].starts_with("annotation duet.edge/max-request-bytes: \"much\""))
      << read.problems[0];
}

}  // namespace
}  // namespace duet::route
