#include "cluster/http_route_status.h"

#include <gtest/gtest.h>

namespace duet::cluster {
namespace {

constexpr const char* kEarly = "2026-01-01T00:00:00Z";
constexpr const char* kLate = "2026-02-01T00:00:00Z";
const GatewayName kEdge{"infra", "edge"};

Json parent(const std::string& section = "web") {
  return {{"namespace", "infra"}, {"name", "edge"}, {"sectionName", section}};
}
Json route(const Json& parents = Json::array(), int generation = 1) {
  return {{"metadata",
           {{"name", "web"},
            {"namespace", "shop"},
            {"generation", generation},
            {"resourceVersion", "77"}}},
          {"status", {{"parents", parents}}}};
}
ParentVerdict accepted(const Json& of = parent()) { return {of, "Accepted", ""}; }
ParentVerdict refused() { return {parent(), "NotAllowedByListeners", "of another namespace"}; }

// What is written into the route; what becomes of it must need nothing more.
Json written(const Json& route, const std::vector<ParentVerdict>& verdicts,
             const std::string& now = kEarly) {
  auto patch = http_route_status_patch(route, kEdge, verdicts, now);
  EXPECT_TRUE(patch);
  Json parents = patch ? (*patch)["status"]["parents"] : Json();
  Json after = route;
  after["status"]["parents"] = parents;
  EXPECT_FALSE(http_route_status_patch(after, kEdge, verdicts, kLate));
  return parents;
}

TEST(HttpRouteStatus, SaysWhatBecomesOfTheRouteAtItsGateway) {
  const Json parents = written(route(), {accepted()});
  ASSERT_EQ(parents.size(), 1U);
  EXPECT_EQ(parents[0]["parentRef"], parent());
  EXPECT_EQ(parents[0]["controllerName"], "duet.edge/gateway");
  const Json& condition = parents[0]["conditions"][0];
  EXPECT_EQ(condition["type"], "Accepted");
  EXPECT_EQ(condition["status"], "True");
  EXPECT_EQ(condition["reason"], "Accepted");
  EXPECT_EQ(condition["observedGeneration"], 1);
  EXPECT_EQ(condition["lastTransitionTime"], kEarly);
  const Json no = written(route(), {refused()})[0]["conditions"][0];
  EXPECT_EQ(no["status"], "False");
  EXPECT_EQ(no["reason"], "NotAllowedByListeners");
  EXPECT_EQ(no["message"], "of another namespace");
}

TEST(HttpRouteStatus, IsForThatVersionOfTheRoute) {
  const auto patch = http_route_status_patch(route(), kEdge, {accepted()}, kEarly);
  EXPECT_EQ((*patch)["metadata"]["resourceVersion"], "77");
}

TEST(HttpRouteStatus, WhatOthersSayStays) {
  const Json other = {{"parentRef", parent()}, {"controllerName", "example.com/else"}};
  const Json elsewhere = {{"parentRef", {{"namespace", "infra"}, {"name", "store-2"}}},
                          {"controllerName", "duet.edge/gateway"}};
  const Json gone = {{"parentRef", parent("gone")}, {"controllerName", "duet.edge/gateway"}};
  const Json parents = written(route({other, elsewhere, gone}), {accepted()});
  ASSERT_EQ(parents.size(), 3U);
  EXPECT_EQ(parents[0], other);
  EXPECT_EQ(parents[1], elsewhere);
  EXPECT_EQ(parents[2]["parentRef"], parent());
}

TEST(HttpRouteStatus, OnlyAnotherStatusIsATransition) {
  const Json before = written(route(), {accepted()}, kEarly);
  const Json newer = written(route(before, 2), {accepted()}, kLate);
  EXPECT_EQ(newer[0]["conditions"][0]["observedGeneration"], 2);
  EXPECT_EQ(newer[0]["conditions"][0]["lastTransitionTime"], kEarly);
  const Json no = written(route(newer, 2), {refused()}, kLate);
  EXPECT_EQ(no[0]["conditions"][0]["lastTransitionTime"], kLate);
}

// Nodes of two versions of duet must not write over each other's words for ever.
TEST(HttpRouteStatus, OtherWordsForTheSameAreLeft) {
  Json there = written(route(), {accepted()});
  there[0]["conditions"][0]["message"] = "served";
  EXPECT_FALSE(http_route_status_patch(route(there), kEdge, {accepted()}, kLate));
}

TEST(HttpRouteStatus, EachParentHasItsOwn) {
  const Json parents = written(route(), {accepted(), accepted(parent("other"))});
  EXPECT_EQ(parents.size(), 2U);
}

TEST(HttpRouteStatus, AnyStatusCanBeThere) {
  for (const Json& odd : {Json(1), Json("x"), Json{{"parents", 1}}, Json{{"parents", {1, "x"}}}}) {
    Json object = route();
    object["status"] = odd;
    EXPECT_TRUE(http_route_status_patch(object, kEdge, {accepted()}, kEarly));
  }
}

}  // namespace
}  // namespace duet::cluster
