#include "route/route_status.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace duet::route {
namespace {

using Json = nlohmann::json;

constexpr const char* kEarly = "2026-01-01T00:00:00Z";
constexpr const char* kLate = "2026-02-01T00:00:00Z";

object::Object stored(const Json& status = nullptr) {
  Json json = {{"metadata", {{"name", "shop"}, {"generation", 3}}},
               {"spec", {{"parentRefs", Json::array({{{"name", "a"}}, {{"name", "b"}}})}}}};
  if (!status.is_null()) {
    json["status"] = status;
  }
  return {.key = {object::Kind::kHttpRoute, "default", "shop"}, .uid = "u", .json = json.dump()};
}

Json status_of(const object::Object& object, const std::vector<RouteProblem>& problems,
               const char* now) {
  return Json::parse(http_route_status(object, problems, now).value());
}

const Json& resolved(const Json& status) { return status["parents"][0]["conditions"][1]; }

TEST(RouteStatus, EveryParentHasBothConditions) {
  const Json status = status_of(stored(), {}, kEarly);
  ASSERT_EQ(status["parents"].size(), 2U);
  EXPECT_EQ(status["parents"][1]["parentRef"]["name"], "b");
  const Json& conditions = status["parents"][1]["conditions"];
  EXPECT_EQ(conditions[0]["type"], "Accepted");
  EXPECT_EQ(conditions[1]["type"], "ResolvedRefs");
  EXPECT_EQ(conditions[1]["status"], "True");
  EXPECT_EQ(conditions[1]["observedGeneration"], 3);
  EXPECT_EQ(conditions[1]["lastTransitionTime"], kEarly);
}

TEST(RouteStatus, SaysWhatIsMissing) {
  const object::ObjectKey key = {object::Kind::kHttpRoute, "default", "shop"};
  const object::ObjectKey other = {object::Kind::kHttpRoute, "default", "else"};
  const Json status = status_of(stored(),
                                {{other, "", "BackendNotFound", "not this one"},
                                 {key, "u", "FilterNotFound", "no auth"},
                                 {key, "u", "BackendNotFound", "no api"}},
                                kEarly);
  EXPECT_EQ(resolved(status)["status"], "False");
  EXPECT_EQ(resolved(status)["reason"], "FilterNotFound");
  EXPECT_EQ(resolved(status)["message"], "no auth; no api");
}

TEST(RouteStatus, ATransitionIsTimedWhenItHappens) {
  const object::ObjectKey key = {object::Kind::kHttpRoute, "default", "shop"};
  const Json first = status_of(stored(), {}, kEarly);
  EXPECT_EQ(status_of(stored(first), {}, kLate), first);
  const Json broken = status_of(stored(first), {{key, "u", "BackendNotFound", "no api"}}, kLate);
  EXPECT_EQ(resolved(broken)["lastTransitionTime"], kLate);
  EXPECT_EQ(broken["parents"][0]["conditions"][0]["lastTransitionTime"], kEarly);
}

TEST(RouteStatus, WhatIsNoRouteHasNone) {
  EXPECT_FALSE(http_route_status({.key = {}, .uid = "", .json = "[]"}, {}, kEarly).has_value());
  EXPECT_FALSE(http_route_status({.key = {}, .uid = "", .json = "{}"}, {}, kEarly).has_value());
}

}  // namespace
}  // namespace duet::route
