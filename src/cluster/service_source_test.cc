#include "cluster/service_source.h"

#include <gtest/gtest.h>

#include "cluster/service_source_for_test.h"

namespace duet::cluster {
namespace {

Json ingress(const std::string& name, const std::string& class_name) {
  return named(name, "u-" + name, {{"spec", {{"ingressClassName", class_name}}}});
}
TEST_F(ServiceSourceTest, ServicesAndSlicesComeChangeAndGo) {
  lists_.put(kServices, service("web", "u-1"));
  lists_.put(kSlices, named("web-x", "u-2", {{"addressType", "IPv4"}}));
  follow();
  ASSERT_TRUE(comes([&] { return has("web") && has(key("web-x", Kind::kEndpointSlice)); }));
  EXPECT_TRUE(has("web", object::kSourceAnnotation));
  EXPECT_EQ(store_->get(key("web"))->uid, "u-1");
  EXPECT_TRUE(store_->get({Kind::kNamespace, "", "shop"}).ok());
  lists_.put(kServices, service("web", "u-1", 8080));
  lists_.put(kServices, service("other", "u-3"));
  EXPECT_TRUE(comes([&] { return has("web", "8080") && has("other"); }));
  lists_.remove(kServices, service("web", "u-1"));
  EXPECT_TRUE(comes([&] { return !has("web"); }));
  EXPECT_TRUE(has("other"));
  EXPECT_FALSE(asked_for(kIngresses));
}

TEST_F(ServiceSourceTest, AnotherServiceOfTheNameTakesItsPlace) {
  lists_.put(kServices, service("web", "u-1"));
  follow();
  ASSERT_TRUE(comes([&] { return has("web", "u-1"); }));
  lists_.put(kServices, service("web", "u-2"));
  EXPECT_TRUE(comes([&] { return has("web", "u-2"); }));
  EXPECT_EQ(store_->get(key("web"))->uid, "u-2");
}

TEST_F(ServiceSourceTest, WhatIsThereStaysUntilTheClusterHasSpoken) {
  for (const Kind kind : {Kind::kService, Kind::kIngress}) {
    Json left = service("left", "u-0");
    left["metadata"]["annotations"][object::kSourceAnnotation] = object::kClusterSource;
    ASSERT_TRUE(has_before({key("left", kind), "u-0", 0, left.dump()}));
  }
  ASSERT_TRUE(has_before({key("own"), "", 0, service("own", "").dump()}));
  lists_.put(kServices, service("web", "u-1"));
  start();
  // Ingresses are not asked for and go at once; Services were looked at before them.
  ASSERT_TRUE(comes([&] { return !has(key("left", Kind::kIngress)); }));
  EXPECT_TRUE(has("left"));
  source_->follow();
  EXPECT_TRUE(comes([&] { return has("web") && !has("left"); }));
  EXPECT_TRUE(has("own"));
}

TEST_F(ServiceSourceTest, WhatIsOfTheSiteStaysAndTheClustersComesWhenItIsGone) {
  ASSERT_TRUE(has_before({key("web"), "", 0, service("web", "", 1234).dump()}));
  lists_.put(kServices, service("web", "u-1"));
  lists_.put(kServices, service("zulu", "u-2"));
  follow();
  EXPECT_TRUE(log_.wait_for({"service shop/web of the cluster is not taken"}));
  ASSERT_TRUE(comes([&] { return has("zulu"); }));
  EXPECT_TRUE(has("web", "1234"));
  lists_.put(kServices, service("web", "u-1", 81));
  lists_.put(kServices, service("zulu", "u-2", 82));
  ASSERT_TRUE(comes([&] { return has("zulu", "82"); }));
  EXPECT_EQ(log_.count({"is not taken"}), 1U);
  ASSERT_TRUE(store_->remove(key("web")).ok());
  EXPECT_TRUE(comes([&] { return has("web", "81"); }));
}

TEST_F(ServiceSourceTest, SaysWhenTheServicesAreThere) {
  lists_.put(kServices, service("web", "u-1"));
  options_.heard = [&] { log_.note(has("web") ? "heard with web" : "heard without web"); };
  follow();
  EXPECT_TRUE(log_.wait_for({"heard with web"}));
  EXPECT_EQ(log_.count({"heard without"}), 0U);
}

TEST_F(ServiceSourceTest, NobodyWaitsForServicesThatMayNotBeSeen) {
  lists_.forbid(kServices, true);
  options_.heard = [&] { log_.note("heard"); };
  follow();
  EXPECT_TRUE(log_.wait_for({"heard"}));
}

// Or else pods would wait for them after each restart while the line is cut.
TEST_F(ServiceSourceTest, WhatAnEarlierAgentLeftIsNotWaitedFor) {
  EXPECT_FALSE(*knew_services(*store_));
  ASSERT_TRUE(has_before({.key = key("own", Kind::kPod), .json = named("own", "u-1").dump()}));
  EXPECT_FALSE(*knew_services(*store_));
  const Json theirs = named("theirs", "u-2");
  ASSERT_TRUE(store_->create(stored_object(key("theirs", Kind::kPod), theirs)).ok());
  EXPECT_TRUE(*knew_services(*store_));
}

TEST_F(ServiceSourceTest, AKindThatMayNotBeSeenIsAskedForAgainAndTheOthersCome) {
  lists_.forbid(kSlices, true);
  lists_.put(kServices, service("web", "u-1"));
  lists_.put(kSlices, named("web-x", "u-2", {{"addressType", "IPv4"}}));
  follow();
  ASSERT_TRUE(comes([&] { return has("web"); }));
  EXPECT_TRUE(log_.wait_for({"endpointslices", "not yours", "route-rights.yaml"}));
  lists_.forbid(kSlices, false);
  EXPECT_TRUE(comes([&] { return has(key("web-x", Kind::kEndpointSlice)); }));
  EXPECT_TRUE(log_.wait_for({"endpointslices: followed again"}));
  EXPECT_EQ(log_.count({"not yours"}), 1U);
}

TEST_F(ServiceSourceTest, IngressesOfOneClassComeWhereTheyAreAskedFor) {
  options_.ingress_class = "duet";
  lists_.put(kIngresses, ingress("ours", "duet"));
  lists_.put(kIngresses, ingress("theirs", "nginx"));
  follow();
  ASSERT_TRUE(comes([&] { return has(key("ours", Kind::kIngress)); }));
  lists_.put(kIngresses, ingress("theirs", "duet"));
  lists_.put(kIngresses, ingress("ours", "nginx"));
  EXPECT_TRUE(comes(
      [&] { return has(key("theirs", Kind::kIngress)) && !has(key("ours", Kind::kIngress)); }));
  // An agent that is not asked for them gives up those that are there.
  source_.reset();
  options_.ingress_class = "";
  start();
  EXPECT_TRUE(comes([&] { return !has(key("theirs", Kind::kIngress)); }));
}

TEST_F(ServiceSourceTest, WhatIsTooMuchIsLeftOutAndSaidOnce) {
  options_.service_limit = 2;
  options_.object_bytes = 400;
  lists_.put(kServices, named("a", "u-a", {{"spec", std::string(500, 'x')}}));
  for (const char* name : {"b", "c", "d", "e"}) {
    lists_.put(kServices, service(name, std::string("u-") + name));
  }
  follow();
  ASSERT_TRUE(comes([&] { return has("b") && has("c"); }));
  EXPECT_TRUE(log_.wait_for({"service shop/a is left out", "at most 400"}));
  EXPECT_TRUE(log_.wait_for({"service shop/d and perhaps others", "at most 2 services"}));
  // What is there is followed on.
  lists_.put(kServices, service("c", "u-c", 99));
  EXPECT_TRUE(comes([&] { return has("c", "99"); }));
  EXPECT_FALSE(has("a") || has("d") || has("e"));
  EXPECT_EQ(log_.count({"perhaps others"}), 1U);
}

TEST_F(ServiceSourceTest, WhatHasNoNameIsSaid) {
  lists_.put(kServices, {{"metadata", {{"name", "web"}, {"uid", "u-1"}}}});
  lists_.put(kServices, service("zulu", "u-2"));
  follow();
  EXPECT_TRUE(comes([&] { return has("zulu"); }));
  EXPECT_TRUE(log_.wait_for({"one of the services without name, namespace or uid"}));
}

}  // namespace
}  // namespace duet::cluster
