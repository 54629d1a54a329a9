#include "route/endpoints.h"

#include <gtest/gtest.h>

#include "object/source_mark.h"
#include "route/service_slices.h"

namespace duet::route {
namespace {

using gateway::Endpoint;
using Addresses = std::vector<Endpoint>;

object::Pod pod_of_web(const std::string& name, const std::string& ip, bool ready = true) {
  object::Pod pod;
  pod.meta.name = name;
  pod.meta.ns = "default";
  pod.meta.uid = "uid-" + name;
  pod.meta.labels = {{"app", "web"}};
  object::Container container;
  container.name = "main";
  container.ports = {{.name = "http", .container_port = 8080}};
  pod.spec.containers = {container};
  pod.status.pod_ip = ip;
  pod.status.conditions = {{.type = "Ready", .status = ready ? "True" : "False"}};
  return pod;
}

pod::HandlerInstance handler_of_pod(const object::Pod& pod) {
  return {.pod = {object::Kind::kPod, pod.meta.ns, pod.meta.name},
          .uid = pod.meta.uid,
          .container = "main",
          .code_digest = "sha256:1",
          .ports = pod.spec.containers[0].ports};
}

object::EndpointSlice slice_of_web(std::vector<object::SliceEndpoint> endpoints,
                                   const std::string& type = "IPv4") {
  object::EndpointSlice slice;
  slice.meta.ns = "default";
  slice.service = "web";
  slice.address_type = type;
  slice.endpoints = std::move(endpoints);
  slice.ports = {{.name = "other", .port = 9090}, {.name = "web", .port = 8080}};
  return slice;
}

object::SliceEndpoint ending(const std::string& address, bool serving) {
  return {.address = address, .ready = false, .serving = serving, .terminating = true};
}

class EndpointsTest : public testing::Test {
 protected:
  EndpointsTest() {
    service_.meta.name = "web";
    service_.meta.ns = "default";
    service_.selector = {{"app", "web"}};
    service_.ports = {{.name = "web", .port = 80, .target_port = "http"}};
  }
  Endpoints find() const {
    const ServiceSlices slices(slices_);
    return endpoints_of(service_, service_.ports[0],
                        {pods_, handlers_, slices.of(service_), cluster_is_away_});
  }

  object::Service service_;
  std::vector<object::Pod> pods_;
  std::vector<pod::HandlerInstance> handlers_;
  std::vector<object::EndpointSlice> slices_;
  bool cluster_is_away_ = false;
};

TEST_F(EndpointsTest, OthersStandBesideThePodsOfThisNode) {
  pods_ = {pod_of_web("a", "10.1.0.1"), pod_of_web("h", "")};
  handlers_ = {handler_of_pod(pods_[1])};
  slices_ = {slice_of_web({{.address = "10.2.0.1"}, {.address = "10.2.0.2", .ready = false}}),
             slice_of_web({{.address = "fd00::1"}}, "IPv6")};
  const Endpoints found = find();
  ASSERT_EQ(found.handlers.size(), 1U);
  EXPECT_EQ(found.handlers[0]->uid, "uid-h");
  EXPECT_EQ(found.addresses,
            (Addresses{{"10.1.0.1", 8080}, {"10.2.0.1", 8080}, {"fd00::1", 8080}}));
}

TEST_F(EndpointsTest, APodOfThisNodeIsNotTakenFromASlice) {
  pods_ = {pod_of_web("a", "10.1.0.1"), pod_of_web("h", ""), pod_of_web("late", "10.1.0.3", false),
           pod_of_web("own", "10.1.0.4")};
  handlers_ = {handler_of_pod(pods_[1])};
  // The cluster knows the site's own pod by its mirror, which has another uid.
  slices_ = {slice_of_web({{.address = "10.1.0.1", .pod_uid = "uid-a"},
                           {.address = "10.1.0.2", .pod_uid = "uid-h"},
                           {.address = "10.1.0.3", .pod_uid = "uid-late"},
                           {.address = "10.1.0.4", .pod_uid = "uid-mirror"}})};
  const Endpoints found = find();
  EXPECT_EQ(found.handlers.size(), 1U);
  EXPECT_EQ(found.addresses, (Addresses{{"10.1.0.1", 8080}, {"10.1.0.4", 8080}}));
}

TEST_F(EndpointsTest, APodInSeveralSlicesIsOne) {
  slices_ = {slice_of_web({{.address = "fd00::1", .pod_uid = "x"}}, "IPv6"),
             slice_of_web({{.address = "10.2.0.1", .pod_uid = "x"}, {.address = "10.2.0.2"}}),
             slice_of_web({{.address = "10.2.0.1", .pod_uid = "x"}, {.address = "10.2.0.2"}})};
  EXPECT_EQ(find().addresses, (Addresses{{"10.2.0.1", 8080}, {"10.2.0.2", 8080}}));
}

TEST_F(EndpointsTest, WhatEndsServesOnlyWhereNobodyIsReady) {
  slices_ = {slice_of_web({ending("10.2.0.1", true), ending("10.2.0.2", false)})};
  EXPECT_EQ(find().addresses, (Addresses{{"10.2.0.1", 8080}}));
  slices_[0].endpoints.push_back({.address = "10.2.0.3"});
  EXPECT_EQ(find().addresses, (Addresses{{"10.2.0.3", 8080}}));
  slices_[0].endpoints.pop_back();
  pods_ = {pod_of_web("a", "10.1.0.1")};
  EXPECT_EQ(find().addresses, (Addresses{{"10.1.0.1", 8080}}));
}

TEST_F(EndpointsTest, PortsAreFoundByNameAndProtocol) {
  slices_ = {slice_of_web({{.address = "10.2.0.1"}})};
  slices_[0].ports = {{.name = "web", .protocol = "UDP", .port = 1},
                      {.name = "", .port = 2},
                      {.name = "web", .port = 3}};
  EXPECT_EQ(find().addresses, (Addresses{{"10.2.0.1", 3}}));
  service_.ports[0].name = "unknown";
  EXPECT_TRUE(find().addresses.empty());
}

TEST_F(EndpointsTest, OtherServicesAndAddressesThatNeedAResolverAreNobodys) {
  slices_ = {slice_of_web({{.address = "10.2.0.1"}}), slice_of_web({{.address = "10.2.0.2"}}),
             slice_of_web({{.address = "a.test"}}, "FQDN"), slice_of_web({{.address = ""}})};
  slices_[0].service = "else";
  slices_[1].meta.ns = "other";
  EXPECT_TRUE(find().addresses.empty());
}

TEST_F(EndpointsTest, AServiceMayWantThisNodeAloneOrFirst) {
  slices_ = {slice_of_web({{.address = "10.2.0.1"}})};
  service_.prefers_own_node = true;
  EXPECT_EQ(find().addresses, (Addresses{{"10.2.0.1", 8080}}));
  pods_ = {pod_of_web("a", "10.1.0.1")};
  EXPECT_EQ(find().addresses, (Addresses{{"10.1.0.1", 8080}}));
  pods_.clear();
  service_.prefers_own_node = false;
  service_.own_node_only = true;
  EXPECT_TRUE(find().addresses.empty());
}

TEST_F(EndpointsTest, WhileTheClusterIsAwayItsWordComesLast) {
  slices_ = {slice_of_web({{.address = "10.2.0.1"}}), slice_of_web({{.address = "192.168.1.9"}})};
  slices_[0].meta.annotations = {{object::kSourceAnnotation, std::string(object::kClusterSource)}};
  cluster_is_away_ = true;
  EXPECT_EQ(find().addresses.size(), 2U);
  pods_ = {pod_of_web("a", "10.1.0.1")};
  EXPECT_EQ(find().addresses, (Addresses{{"10.1.0.1", 8080}, {"192.168.1.9", 8080}}));
  cluster_is_away_ = false;
  EXPECT_EQ(find().addresses.size(), 3U);
}

TEST_F(EndpointsTest, OthersAreBounded) {
  std::vector<object::SliceEndpoint> many;
  for (int i = 0; i < 1'500; ++i) {
    many.push_back({.address = "10.2." + std::to_string(i / 250) + "." + std::to_string(i % 250)});
  }
  slices_ = {slice_of_web(many)};
  EXPECT_EQ(find().addresses.size(), 1'000U);
}

}  // namespace
}  // namespace duet::route
