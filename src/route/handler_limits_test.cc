#include "route/handler_limits.h"

#include <gtest/gtest.h>

#include "object/annotations.h"

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

// What docs/budgets.md says holds without an annotation is what the gateway does, and each budget
// of the table is one of the gateway's own.
TEST(HandlerPolicy, TheTableOfAnnotationsSaysTheGatewaysDefaults) {
  for (const object::Annotation& annotation : object::all_annotations()) {
    if (annotation.most == 0 || annotation.on != object::AnnotatedKind::kPod) {
      continue;
    }
    SCOPED_TRACE(annotation.name);
    const std::string name = "duet.edge/" + std::string(annotation.name);
    const auto written = [&](std::int64_t value) {
      return handler_policy({}, {{name, object::annotation_text(annotation.type, value)}});
    };
    EXPECT_EQ(written(annotation.standard).limits, gateway::HandlerLimits());
    const auto least = written(annotation.least);
    const auto most = written(annotation.most);
    EXPECT_TRUE(least.problems.empty());
    EXPECT_TRUE(most.problems.empty());
    EXPECT_NE(least.limits, most.limits);
    EXPECT_EQ(written(annotation.least - 1).problems.size(), 1U);
    EXPECT_EQ(written(annotation.most + 1).problems.size(), 1U);
  }
}

TEST(HandlerPolicy, WhatIsWrongKeepsItsDefaultAndIsNamed) {
  const std::vector<std::pair<std::string, std::string>> wrong = {{"cpu-time", "fast"},
                                                                  {"cpu-time", "0s"},
                                                                  {"timeout", "10"},
                                                                  {"timeout", "99999h"},
                                                                  {"max-in-flight", "-1"},
                                                                  {"max-in-flight", "3x"},
                                                                  {"max-response-bytes", "many"},
                                                                  {"allow-outbound", "api:8080"},
                                                                  {"allow-outbound", "ftp://api"}};
  for (const auto& [name, value] : wrong) {
    const auto policy = handler_policy({}, {{"duet.edge/" + name, value}});
    ASSERT_EQ(policy.problems.size(), 1U) << name << " " << value;
    EXPECT_NE(policy.problems[0].find("duet.edge/" + name), std::string::npos);
    EXPECT_EQ(policy.limits, gateway::HandlerLimits());
    EXPECT_TRUE(policy.allow_outbound.empty());
  }
}

TEST(HandlerPolicy, SaysWhatResourcesCannotDo) {
  object::Resources resources;
  resources.memory_limit_bytes = std::int64_t{1} << 30;
  resources.cpu_limit_millis = 500;
  const auto policy = handler_policy(resources, {});
  EXPECT_EQ(policy.limits.memory_bytes, kSandboxMemoryBytes);
  ASSERT_EQ(policy.problems.size(), 2U);
  EXPECT_NE(policy.problems[0].find("128Mi"), std::string::npos);
  EXPECT_NE(policy.problems[1].find("duet.edge/cpu-time"), std::string::npos);
}

}  // namespace
}  // namespace duet::route
