#include "cluster/cluster_route.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/pod_mirror.h"
#include "object/codec.h"

namespace duet::cluster {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const GatewayName kEdge{"infra", "edge"};

Json gateway(const std::string& hostname = "") {
  Json listener = {{"name", "web"},
                   {"port", 80},
                   {"protocol", "HTTP"},
                   {"allowedRoutes", {{"namespaces", {{"from", "All"}}}}}};
  if (!hostname.empty()) {
    listener["hostname"] = hostname;
  }
  return {{"metadata", {{"namespace", "infra"}, {"name", "edge"}}},
          {"spec", {{"listeners", {listener}}}}};
}

// As an API server sends it, with what it puts there by itself.
Json route(const Json& rule) {
  const Json edge = {{"group", kGatewayGroup},
                     {"kind", "Gateway"},
                     {"namespace", "infra"},
                     {"name", "edge"},
                     {"sectionName", "web"}};
  const Json mesh = {{"group", ""}, {"kind", "Service"}, {"name", "web"}};
  return {{"metadata",
           {{"name", "web"}, {"namespace", "shop"}, {"uid", "u-1"}, {"generateName", "we"}}},
          {"spec", {{"parentRefs", {mesh, edge}}, {"rules", {rule}}}}};
}
Json to_service(const Json& more = Json::object()) {
  Json backend = {{"group", ""}, {"kind", "Service"}, {"name", "web"}, {"port", 80}, {"weight", 1}};
  backend.update(more);
  return {{"matches", {{{"path", {{"type", "PathPrefix"}, {"value", "/"}}}}}},
          {"backendRefs", {backend}}};
}

ClusterRoute taken(const Json& object, const Json& at = gateway()) {
  const object::ObjectKey key{object::Kind::kHttpRoute, "shop", "web"};
  return cluster_route(key, object, kEdge, at);
}
object::HttpRoute decoded(const ClusterRoute& route) {
  return *object::decode_http_route(route.object->json);
}

TEST(ClusterRouteTest, IsTheRouteWithItsParentsAtThatGateway) {
  const ClusterRoute out = taken(route(to_service()));
  ASSERT_TRUE(out.object) << out.problem;
  EXPECT_EQ(out.object->uid, "u-1");
  EXPECT_TRUE(is_of_cluster(*out.object));
  EXPECT_EQ(decoded(out).parents, std::vector<std::string>{"edge"});
  EXPECT_THAT(decoded(out).hostnames, IsEmpty());
  EXPECT_EQ(decoded(out).rules.at(0).backends.at(0).service, "web");
}

TEST(ClusterRouteTest, ItsHostnamesAreWhatTheListenerLeaves) {
  Json asked = route(to_service());
  EXPECT_EQ(decoded(taken(asked, gateway("a.test"))).hostnames, std::vector<std::string>{"a.test"});
  asked["spec"]["hostnames"] = {"a.test", "b.test"};
  EXPECT_EQ(decoded(taken(asked, gateway("b.test"))).hostnames, std::vector<std::string>{"b.test"});
  EXPECT_THAT(taken(asked, gateway("c.test")).problem, HasSubstr("hostnames"));
}

TEST(ClusterRouteTest, AHandlerCanBeAFilter) {
  Json rule = to_service();
  rule["filters"] = {{{"type", "ExtensionRef"},
                      {"extensionRef", {{"group", ""}, {"kind", "Service"}, {"name", "guard"}}}}};
  const ClusterRoute out = taken(route(rule));
  ASSERT_TRUE(out.object) << out.problem;
  EXPECT_EQ(decoded(out).rules.at(0).filters.at(0).service, "guard");
}

TEST(ClusterRouteTest, WhatIsNotDoneLeavesItOut) {
  Json mirror = to_service();
  mirror["filters"] = {{{"type", "RequestMirror"},
                        {"requestMirror", {{"backendRef", {{"name", "b"}, {"port", 80}}}}}}};
  EXPECT_THAT(taken(route(mirror)).problem, HasSubstr("spec.rules[0].filters[0]"));
  Json bad = to_service();
  bad["matches"][0]["path"] = {{"type", "RegularExpression"}, {"value", "("}};
  EXPECT_THAT(taken(route(bad)).problem, HasSubstr("spec.rules[0].matches[0].path.value"));
  Json newer = to_service();
  newer["teleport"] = true;
  EXPECT_THAT(taken(route(newer)).problem, HasSubstr("teleport"));
  EXPECT_FALSE(taken(route("no rule")).object);
  EXPECT_FALSE(taken(route(mirror)).object);
}

TEST(ClusterRouteTest, ServicesOfOtherNamespacesAreRefused) {
  EXPECT_TRUE(taken(route(to_service({{"namespace", "shop"}}))).object);
  const ClusterRoute out = taken(route(to_service({{"namespace", "bank"}})));
  EXPECT_FALSE(out.object);
  EXPECT_THAT(out.problem, HasSubstr("bank/web"));
  EXPECT_THAT(out.problem, HasSubstr("ReferenceGrant"));
}

TEST(ClusterRouteTest, EachOfItsParentsIsToldWhatBecomesOfIt) {
  Json asked = route(to_service());
  Json& parents = asked["spec"]["parentRefs"];
  parents.push_back(parents[1]);
  parents[2]["sectionName"] = "none";
  const ClusterRoute out = taken(asked);
  EXPECT_TRUE(out.object);
  ASSERT_EQ(out.verdicts.size(), 2U);
  EXPECT_EQ(out.verdicts[0].reason, "Accepted");
  EXPECT_EQ(out.verdicts[0].parent, parents[1]);
  EXPECT_EQ(out.verdicts[1].reason, "NoMatchingParent");
  asked["spec"]["rules"][0]["retry"] = {{"attempts", 3}};
  EXPECT_EQ(taken(asked).verdicts.at(0).reason, "UnsupportedValue");
  EXPECT_THAT(taken(asked).verdicts.at(0).message, HasSubstr("spec.rules[0].retry"));
}

TEST(ClusterRouteTest, WithoutAListenerItIsLeftOut) {
  EXPECT_FALSE(taken(route(to_service()), nullptr).object);
  EXPECT_THAT(taken(route(to_service()), nullptr).problem, HasSubstr("listener"));
  EXPECT_FALSE(taken({{"metadata", Json::object()}, {"spec", "none"}}).object);
}

}  // namespace
}  // namespace duet::cluster
