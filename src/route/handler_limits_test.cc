#include "route/handler_limits.h"

#include <gtest/gtest.h>

namespace duet::route {
namespace {

TEST(HandlerPolicy, HasSafeDefaults) {
  const auto policy = handler_policy({}, {});
  EXPECT_EQ(policy.limits, gateway::HandlerLimits());
  EXPECT_TRUE(policy.allow_outbound.empty());
  EXPECT_TRUE(policy.problems.empty());
}

TEST(HandlerPolicy, ReadsAnnotationsAndLimits) {
  object::Resources resources;
  resources.memory_limit_bytes = 16 << 20;
  const auto policy = handler_policy(
      resources, {{"duet.edge/cpu-time", "200ms"},
                  {"duet.edge/timeout", "1m30s"},
                  {"duet.edge/max-in-flight", "8"},
                  {"duet.edge/max-response-bytes", "1Ki"},
                  {"duet.edge/allow-outbound", "http://api:8080, https://*.example.com"}});
  EXPECT_TRUE(policy.problems.empty());
  EXPECT_EQ(policy.limits.memory_bytes, 16 << 20);
  EXPECT_EQ(policy.limits.cpu_ms, 200);
  EXPECT_EQ(policy.limits.wall_ms, 90'000);
  EXPECT_EQ(policy.limits.in_flight, 8);
  EXPECT_EQ(policy.limits.response_bytes, 1024);
  const std::vector<gateway::OutboundRule> expected = {{"http", "api", 8080},
                                                       {"https", "*.example.com", 0}};
  EXPECT_EQ(policy.allow_outbound, expected);
}

TEST(HandlerPolicy, WhatIsWrongKeepsItsDefaultAndIsNamed) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"cpu-time", "fast"},
      {"cpu-time", "0s"},
      {"timeout", "10"},
      {"timeout", "999999999h"},
      {"max-in-flight", "-1"},
      {"max-in-flight", "3x"},
      {"max-response-bytes", "many"},
      {"allow-outbound", "api:8080"},
      {"allow-outbound", "ftp://api"},
      {"allow-outbound", "http://api:0"},
      {"allow-outbound", "http://a/b"}};
  for (const auto& [name, value] : wrong) {
    const auto policy = handler_policy({}, {{"duet.edge/" + name, value}});
    ASSERT_EQ(policy.problems.size(), 1U) << name << " " << value;
    EXPECT_NE(policy.problems[0].find("duet.edge/" + name), std::string::npos);
    EXPECT_EQ(policy.limits, gateway::HandlerLimits());
    EXPECT_TRUE(policy.allow_outbound.empty());
  }
}

TEST(Duration, ReadsBothForms) {
  EXPECT_EQ(parse_duration_ms("500ms"), 500);
  EXPECT_EQ(parse_duration_ms("1h2m3s"), 3'723'000);
  for (const char* wrong : {"", "s", "1", "1d", "-1s", "1.5s", "99999999999999999999s"}) {
    EXPECT_FALSE(parse_duration_ms(wrong).has_value()) << wrong;
  }
}

}  // namespace
}  // namespace duet::route
