#include "cluster/gateway_listeners.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace duet::cluster {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A Gateway infra/edge.
Json gateway(const std::vector<Json>& listeners) {
  return {{"metadata", {{"namespace", "infra"}, {"name", "edge"}}},
          {"spec", {{"listeners", listeners}}}};
}
Json listener(const std::string& name, const Json& namespaces = nullptr) {
  Json out = {{"name", name}, {"port", 80}, {"protocol", "HTTP"}};
  if (!namespaces.is_null()) {
    out["allowedRoutes"]["namespaces"] = namespaces;
  }
  return out;
}
Json for_host(const std::string& hostname) {
  Json out = listener(hostname, {{"from", "All"}});
  out["hostname"] = hostname;
  return out;
}
Json route(const std::string& ns, const Json& parent, const Json& hostnames = Json::array()) {
  return {{"metadata", {{"namespace", ns}, {"name", "web"}}},
          {"spec", {{"parentRefs", {parent}}, {"hostnames", hostnames}}}};
}
Json parent(const Json& more = Json::object()) {
  Json out = {{"namespace", "infra"}, {"name", "edge"}};
  out.update(more);
  return out;
}

Attachment of_namespace(const std::string& ns, const std::vector<Json>& listeners) {
  return attach(gateway(listeners), {parent()}, route(ns, parent()));
}
Attachment for_names(const Json& hostnames, const std::vector<Json>& listeners) {
  return attach(gateway(listeners), {parent()}, route("shop", parent(), hostnames));
}

TEST(GatewayName, HasANamespaceAndAName) {
  const auto name = parse_gateway_name("infra/edge");
  ASSERT_TRUE(name.ok());
  EXPECT_EQ(name->ns + " " + name->name, "infra edge");
  for (const char* bad : {"", "edge", "/edge", "infra/", "a/b/c", "/", "a/b c"}) {
    EXPECT_FALSE(parse_gateway_name(bad).ok()) << bad;
  }
}

TEST(ParentsNamed, AreThoseOfTheGateway) {
  const GatewayName edge{"infra", "edge"};
  const auto count = [&](const std::string& ns, const Json& parent) {
    return parents_named(route(ns, parent), edge).size();
  };
  EXPECT_EQ(count("shop", parent()), 1U);
  EXPECT_EQ(count("infra", {{"name", "edge"}}), 1U);  // of the route's own namespace
  EXPECT_EQ(count("shop", {{"name", "edge"}}), 0U);
  EXPECT_EQ(count("shop", parent({{"name", "other"}})), 0U);
  EXPECT_EQ(count("shop", parent({{"kind", "Gateway"}, {"group", kGatewayGroup}})), 1U);
  EXPECT_EQ(count("shop", parent({{"kind", "Service"}, {"group", ""}})), 0U);
  EXPECT_THAT(parents_named(Json::array(), edge), IsEmpty());
  EXPECT_THAT(parents_named({{"spec", {{"parentRefs", {1, "edge"}}}}}, edge), IsEmpty());
}

TEST(Attach, ListenersTakeRoutesOfTheirOwnNamespaceUnlessTheySayMore) {
  EXPECT_TRUE(of_namespace("infra", {listener("a")}).accepted());
  EXPECT_EQ(of_namespace("shop", {listener("a")}).reason, "NotAllowedByListeners");
  EXPECT_TRUE(of_namespace("shop", {listener("a"), listener("b", {{"from", "All"}})}).accepted());
  EXPECT_FALSE(of_namespace("shop", {listener("a", {{"from", "None"}})}).accepted());
}

TEST(Attach, ASelectorIsHeldAgainstTheNamespacesName) {
  const auto chosen = [&](const Json& selector) {
    return of_namespace("shop", {listener("a", {{"from", "Selector"}, {"selector", selector}})})
        .accepted();
  };
  const auto needs = [](const char* how, const Json& values) {
    return Json{
        {"matchExpressions",
         {{{"key", "kubernetes.io/metadata.name"}, {"operator", how}, {"values", values}}}}};
  };
  EXPECT_TRUE(chosen({{"matchLabels", {{"kubernetes.io/metadata.name", "shop"}}}}));
  EXPECT_FALSE(chosen({{"matchLabels", {{"kubernetes.io/metadata.name", "other"}}}}));
  EXPECT_TRUE(chosen(needs("In", {"other", "shop"})));
  EXPECT_FALSE(chosen(needs("In", {"other"})));
  EXPECT_TRUE(chosen(needs("NotIn", {"other"})));
  EXPECT_FALSE(chosen(needs("NotIn", {"shop"})));
  EXPECT_TRUE(chosen(needs("Exists", nullptr)));
  EXPECT_FALSE(chosen(needs("DoesNotExist", nullptr)));
  EXPECT_TRUE(chosen(Json::object()));  // an empty selector takes all
  EXPECT_FALSE(chosen(nullptr));
  // Labels that are not known here.
  EXPECT_FALSE(chosen({{"matchLabels", {{"team", "shop"}}}}));
  EXPECT_FALSE(chosen({{"matchExpressions", {{{"key", "team"}, {"operator", "NotIn"}}}}}));
}

TEST(Attach, SectionNameAndPortChooseAListener) {
  const Json one = gateway({listener("open", {{"from", "All"}}), listener("own")});
  const auto by = [&](const Json& chosen) {
    return attach(one, {parent(chosen)}, route("shop", parent())).reason;
  };
  EXPECT_EQ(by({{"sectionName", "open"}}), "Accepted");
  EXPECT_EQ(by({{"sectionName", "own"}}), "NotAllowedByListeners");
  EXPECT_EQ(by({{"sectionName", "none"}}), "NoMatchingParent");
  EXPECT_EQ(by({{"port", 80}}), "Accepted");
  EXPECT_EQ(by({{"port", 81}}), "NoMatchingParent");
}

TEST(Attach, ListenersForOtherThingsTakeNone) {
  Json tls = listener("a", {{"from", "All"}});
  tls["protocol"] = "TLS";
  EXPECT_FALSE(of_namespace("shop", {tls}).accepted());
  Json grpc = listener("a", {{"from", "All"}});
  grpc["allowedRoutes"]["kinds"] = {{{"kind", "GRPCRoute"}}};
  EXPECT_FALSE(of_namespace("shop", {grpc}).accepted());
  grpc["allowedRoutes"]["kinds"].push_back({{"kind", "HTTPRoute"}});
  EXPECT_TRUE(of_namespace("shop", {grpc}).accepted());
}

TEST(Attach, ARouteIsAnsweredForTheNamesThatTheListenerIsFor) {
  const auto names = [](const Json& hostnames, const std::vector<Json>& listeners) {
    return for_names(hostnames, listeners).hostnames;
  };
  const Json any = listener("a", {{"from", "All"}});
  EXPECT_THAT(names(Json::array(), {any}), IsEmpty());
  EXPECT_THAT(names({"a.test", "b.test"}, {any}), ElementsAre("a.test", "b.test"));
  EXPECT_THAT(names(Json::array(), {for_host("*.shop.test")}), ElementsAre("*.shop.test"));
  EXPECT_THAT(names({"a.shop.test", "b.test"}, {for_host("*.shop.test")}),
              ElementsAre("a.shop.test"));
  EXPECT_THAT(names({"*.test"}, {for_host("*.shop.test"), for_host("a.test")}),
              ElementsAre("*.shop.test", "a.test"));
  EXPECT_THAT(names({"*.a.shop.test", "b.a.shop.test"}, {for_host("*.shop.test")}),
              ElementsAre("*.a.shop.test", "b.a.shop.test"));
  EXPECT_THAT(names(Json::array(), {for_host("a.test"), any}), IsEmpty());
  EXPECT_EQ(for_names({"shop.test"}, {for_host("*.shop.test")}).reason,
            "NoMatchingListenerHostname");
  EXPECT_FALSE(for_names({"shop.test"}, {for_host("*.shop.test")}).accepted());
}

TEST(Attach, WhatIsNoGatewayTakesNone) {
  for (const Json& odd : {Json(nullptr), Json("edge"), Json{{"spec", {{"listeners", {1, "a"}}}}}}) {
    EXPECT_FALSE(attach(odd, {parent()}, route("shop", parent())).accepted());
  }
}

}  // namespace
}  // namespace duet::cluster
