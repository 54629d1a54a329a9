#include <gtest/gtest.h>

#include "cluster/service_source_for_test.h"

// The HTTPRoutes of a cluster, as ServiceSource brings them.
namespace duet::cluster {
namespace {

constexpr const char* kRoutes = "/apis/gateway.networking.k8s.io/v1/httproutes";
constexpr const char* kGateways = "/apis/gateway.networking.k8s.io/v1/namespaces/infra/gateways";

// Of the Gateway infra/edge.
Json http_route(const std::string& name, int port = 80) {
  return named(name, "u-" + name,
               {{"spec",
                 {{"parentRefs", {{{"namespace", "infra"}, {"name", "edge"}}}},
                  {"rules", {{{"backendRefs", {{{"name", "web"}, {"port", port}}}}}}}}}});
}
Json gateway(const std::string& from = "All") {
  return {{"metadata", {{"name", "edge"}, {"namespace", "infra"}, {"uid", "u-edge"}}},
          {"spec",
           {{"listeners",
             {{{"name", "web"},
               {"port", 80},
               {"protocol", "HTTP"},
               {"allowedRoutes", {{"namespaces", {{"from", from}}}}}}}}}}};
}

TEST_F(ServiceSourceTest, HttpRoutesOfItsGatewayComeChangeAndGo) {
  options_.gateway = {"infra", "edge"};
  lists_.put(kGateways, gateway());
  lists_.put(kRoutes, http_route("ours"));
  Json other = http_route("theirs");
  other["spec"]["parentRefs"][0]["name"] = "other";
  lists_.put(kRoutes, other);
  follow();
  ASSERT_TRUE(comes([&] { return has_route("ours"); }));
  EXPECT_TRUE(has_route("ours", object::kSourceAnnotation));
  lists_.put(kRoutes, http_route("ours", 81));
  lists_.put(kRoutes, http_route("more"));
  EXPECT_TRUE(comes([&] { return has_route("ours", "81") && has_route("more"); }));
  lists_.remove(kRoutes, http_route("ours"));
  EXPECT_TRUE(comes([&] { return !has_route("ours"); }));
  EXPECT_TRUE(has_route("more"));
  EXPECT_FALSE(has_route("theirs"));
  EXPECT_FALSE(asked_for(kIngresses));
  // An agent that is not asked for them gives up those that are there.
  source_.reset();
  options_.gateway.reset();
  start();
  EXPECT_TRUE(comes([&] { return !has_route("more"); }));
}

TEST_F(ServiceSourceTest, AClusterNeedNotKnowHttpRoutes) {
  options_.gateway = {"infra", "edge"};
  lists_.set_absent(kGateways, true);
  lists_.set_absent(kRoutes, true);
  lists_.put(kServices, service("web", "u-1"));
  lists_.put(kGateways, gateway());
  lists_.put(kRoutes, http_route("ours"));
  follow();
  EXPECT_TRUE(log_.wait_for({"httproutes", "no CustomResourceDefinition", "404"}));
  EXPECT_TRUE(comes([&] { return has("web"); }));
  lists_.set_absent(kGateways, false);
  lists_.set_absent(kRoutes, false);
  EXPECT_TRUE(comes([&] { return has_route("ours"); }));
  EXPECT_TRUE(log_.wait_for({"httproutes: followed again"}));
  EXPECT_EQ(log_.count({"httproutes", "no CustomResourceDefinition"}), 1U);
  lists_.set_absent(kRoutes, true);
  EXPECT_TRUE(comes([&] { return !has_route("ours"); }));
}

TEST_F(ServiceSourceTest, TheGatewayDecidesWhoseHttpRoutesCome) {
  options_.gateway = {"infra", "edge"};
  lists_.put(kRoutes, http_route("ours"));
  follow();
  EXPECT_TRUE(log_.wait_for({"no Gateway infra/edge"}));
  lists_.put(kGateways, gateway());
  EXPECT_TRUE(comes([&] { return has_route("ours"); }));
  lists_.put(kGateways, gateway("Same"));
  EXPECT_TRUE(comes([&] { return !has_route("ours"); }));
  EXPECT_TRUE(log_.wait_for({"httproute shop/ours is left out", "allowedRoutes"}));
  lists_.put(kGateways, gateway("All"));
  EXPECT_TRUE(comes([&] { return has_route("ours"); }));
  lists_.remove(kGateways, gateway());
  EXPECT_TRUE(comes([&] { return !has_route("ours"); }));
  EXPECT_EQ(log_.count({"no Gateway infra/edge"}), 2U);
}

TEST_F(ServiceSourceTest, HttpRoutesStayUntilTheirGatewayWasHeardOf) {
  options_.gateway = {"infra", "edge"};
  const Json left = http_route("left");
  ASSERT_TRUE(make_namespace(*store_, "shop").ok());
  ASSERT_TRUE(store_->create(stored_object(key("left", Kind::kHttpRoute), left)).ok());
  lists_.forbid(kGateways, true);
  lists_.put(kGateways, gateway());
  lists_.put(kRoutes, http_route("ours"));
  follow();
  EXPECT_TRUE(log_.wait_for({"gateways", "not yours", "route-rights.yaml"}));
  ASSERT_TRUE(log_.wait_for({kRoutes, "watch=1"}));
  lists_.put(kServices, service("after", "u-1"));  // is worked on after the routes
  ASSERT_TRUE(comes([&] { return has("after"); }));
  EXPECT_TRUE(has_route("left"));
  EXPECT_FALSE(has_route("ours"));
  lists_.forbid(kGateways, false);
  EXPECT_TRUE(comes([&] { return has_route("ours") && !has_route("left"); }));
}

TEST_F(ServiceSourceTest, SaysWhatBecomesOfEachHttpRoute) {
  options_.gateway = {"infra", "edge"};
  options_.route_judged = [this](const Json& route, const std::vector<ParentVerdict>& verdicts) {
    log_.note("judged " + route["metadata"]["resourceVersion"].get<std::string>() + " " +
              route["status"].dump() + " " + verdicts.at(0).reason);
  };
  lists_.put(kGateways, gateway());
  Json ours = http_route("ours");
  ours["status"] = {{"parents", Json::array()}};
  lists_.put(kRoutes, ours);
  follow();
  EXPECT_TRUE(log_.wait_for({"judged 1", "parents", "Accepted"}));
  lists_.put(kRoutes, ours);
  EXPECT_TRUE(log_.wait_for({"judged 2", "Accepted"}));
  lists_.put(kGateways, gateway("Same"));
  EXPECT_TRUE(log_.wait_for({"judged 2", "NotAllowedByListeners"}));
  ASSERT_TRUE(comes([&] { return !has_route("ours"); }));
  EXPECT_EQ(log_.count({"judged", "null"}), 0U);
}

TEST_F(ServiceSourceTest, AnHttpRouteThatCannotBeAnsweredIsLeftOutAndSaidOnce) {
  options_.gateway = {"infra", "edge"};
  lists_.put(kGateways, gateway());
  Json bad = http_route("bad");
  bad["spec"]["rules"][0]["retry"] = {{"attempts", 3}};
  lists_.put(kRoutes, bad);
  follow();
  EXPECT_TRUE(log_.wait_for({"httproute shop/bad is left out", "spec.rules[0].retry"}));
  lists_.put(kRoutes, bad);
  lists_.put(kRoutes, http_route("good"));
  ASSERT_TRUE(comes([&] { return has_route("good"); }));
  EXPECT_FALSE(has_route("bad"));
  EXPECT_EQ(log_.count({"shop/bad is left out"}), 1U);
  lists_.put(kRoutes, http_route("bad"));
  EXPECT_TRUE(comes([&] { return has_route("bad"); }));
}

}  // namespace
}  // namespace duet::cluster
