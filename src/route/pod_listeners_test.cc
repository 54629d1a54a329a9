#include "route/pod_listeners.h"

#include <gtest/gtest.h>

namespace duet::route {
namespace {

pod::HandlerInstance handler(const std::string& address) {
  return {.pod = {object::Kind::kPod, "default", "web"},
          .uid = "u",
          .container = "main",
          .ports = {{.container_port = 80}, {.container_port = 53, .protocol = "UDP"}},
          .network = pod::PodNetwork{address, "/run/netns", 4026532281}};
}

TEST(PodListeners, OneForEachTcpPort) {
  const auto listeners = pod_listeners_of(handler("10.42.0.7"));
  ASSERT_EQ(listeners.size(), 1U);
  EXPECT_EQ(listeners[0].listener.name, "pod/4026532281/80");
  EXPECT_EQ(listeners[0].listener.address, "10.42.0.7:80");
  EXPECT_TRUE(listeners[0].listener.own_routes);
  EXPECT_EQ(listeners[0].bind_address, "0.0.0.0:80");
  EXPECT_EQ(listeners[0].network_namespace, "/run/netns");
  EXPECT_EQ(listeners[0].uid, "u");
}

TEST(PodListeners, OfIpv6InBrackets) {
  const auto listeners = pod_listeners_of(handler("fd00::7"));
  ASSERT_EQ(listeners.size(), 1U);
  EXPECT_EQ(listeners[0].listener.address, "[fd00::7]:80");
  EXPECT_EQ(listeners[0].bind_address, "[::]:80");
}

TEST(PodListeners, AnotherNetworkIsAnotherListener) {
  auto moved = handler("10.42.0.7");
  moved.network->network_namespace_id = 4026532282;
  EXPECT_NE(pod_listeners_of(handler("10.42.0.7"))[0].listener.name,
            pod_listeners_of(moved)[0].listener.name);
}

TEST(PodListeners, NoneWithoutAnAddress) {
  auto plain = handler("10.42.0.7");
  plain.network.reset();
  EXPECT_TRUE(pod_listeners_of(plain).empty());
}

}  // namespace
}  // namespace duet::route
