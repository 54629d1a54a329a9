#include "api/selector.h"

#include <gtest/gtest.h>

namespace duet::api {
namespace {

constexpr char kObject[] =
    R"({"metadata":{"name":"web","labels":{"app":"shop","tier":"front"}},"status":{"phase":"Running"},"spec":{"replicas":3}})";

bool matches(std::string_view labels, std::string_view fields = "") {
  const auto selector = Selector::parse(labels, fields);
  EXPECT_TRUE(selector.ok()) << labels << " " << fields;
  return selector.ok() && selector->matches(std::string(kObject));
}

TEST(Selector, OfLabels) {
  EXPECT_TRUE(matches(""));
  EXPECT_TRUE(matches("app=shop"));
  EXPECT_TRUE(matches("app==shop, tier != db"));
  EXPECT_FALSE(matches("app=shop,tier=db"));
  EXPECT_TRUE(matches("tier in (front, back)"));
  EXPECT_FALSE(matches("tier notin (front,back)"));
  EXPECT_TRUE(matches("missing notin (a)"));
  EXPECT_TRUE(matches("app"));
  EXPECT_TRUE(matches("!missing"));
  EXPECT_FALSE(matches("!app"));
  EXPECT_TRUE(matches("missing!=x"));
}

TEST(Selector, OfFields) {
  EXPECT_TRUE(matches("", "status.phase=Running,metadata.name!=db"));
  EXPECT_FALSE(matches("", "status.phase=Pending"));
  EXPECT_TRUE(matches("", "spec.replicas=3"));
  EXPECT_TRUE(matches("", "spec.nodeName="));
}

TEST(Selector, WhatCannotBeReadIsRefused) {
  for (const char* text :
       {"=a", "a=b=c", "a in b", "a of (b)", "a,,b", "!", "a b", "(a)", "a in (b"}) {
    EXPECT_FALSE(Selector::parse(text, "").ok()) << text;
  }
  EXPECT_FALSE(Selector::parse("", "status.phase").ok());
}

TEST(Selector, TextThatIsNoObjectMatchesNothing) {
  const auto selector = Selector::parse("a=b", "");
  ASSERT_TRUE(selector.ok());
  EXPECT_FALSE(selector->matches(std::string("[1")));
  EXPECT_FALSE(selector->matches(std::string(R"({"metadata":{"labels":[1]}})")));
  EXPECT_FALSE(selector->matches(std::string(R"({"metadata":{"labels":{"a":5}}})")));
}

}  // namespace
}  // namespace duet::api
