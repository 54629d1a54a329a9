#include "route/upstream_policy.h"

#include <gtest/gtest.h>

#include "object/annotations.h"

namespace duet::route {
namespace {

TEST(UpstreamPolicy, TheDocumentedDefaultsAreTheGateways) {
  const gateway::ProxyBackend backend;
  const auto standard = [](std::string_view name) {
    return object::find_annotation(name)->standard;
  };
  EXPECT_EQ(standard("connect-timeout"), backend.connect_timeout_ms);
  EXPECT_EQ(standard("idle-timeout"), backend.idle_timeout_ms);
  EXPECT_EQ(standard("max-retries"), backend.retry_limit);
  EXPECT_EQ(standard("max-failures"), backend.failure_limit);
}

TEST(UpstreamPolicy, IsRead) {
  gateway::ProxyBackend backend;
  std::vector<std::string> problems;
  read_upstream_policy({{"duet.edge/connect-timeout", "100ms"},
                        {"duet.edge/idle-timeout", "1h"},
                        {"duet.edge/max-retries", "0"},
                        {"duet.edge/max-failures", "10"}},
                       backend, problems);
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(backend.connect_timeout_ms, 100);
  EXPECT_EQ(backend.idle_timeout_ms, 3'600'000);
  EXPECT_EQ(backend.retry_limit, 0);
  EXPECT_EQ(backend.failure_limit, 10);
}

TEST(UpstreamPolicy, WhatIsWrongKeepsItsDefault) {
  gateway::ProxyBackend backend;
  std::vector<std::string> problems;
  read_upstream_policy({{"duet.edge/idle-timeout", "soon"}, {"duet.edge/max-retries", "11"}},
                       backend, problems);
  EXPECT_EQ(backend, gateway::ProxyBackend{});
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_EQ(problems[0],
            "annotation duet.edge/idle-timeout: \"soon\" must be a duration such as 50ms or 10s; "
            "the default holds");
  EXPECT_EQ(problems[1],
            "annotation duet.edge/max-retries: \"11\" must be at most 10; the default holds");
}

}  // namespace
}  // namespace duet::route
