#include "container/masquerade.h"

#include <gtest/gtest.h>

#include "container/test_support.h"

namespace duet::container {
namespace {

// A node in a network namespace, and the world beyond it in another, which knows no way to pods.
class MasqueradeTest : public ScratchTest {
 protected:
  void SetUp() override {
    ScratchTest::SetUp();
    for (const auto& path : {node_(), world_()}) {
      const auto made = sys::create_network_namespace(path);
      ASSERT_TRUE(made.ok()) << made.error().message();
    }
    network_ = {.name = "test", .bridge = "pods0", .subnet = "10.9.0.0/24", .port_map = false};
    network_.ipam_data_directory = scratch_ + "/ipam";
    in(node_(), "ip link add world0 type veth peer name eth0 netns /proc/self/fd/9 9<" + world_() +
                    " && ip address add 192.0.2.1/24 dev world0 && ip link set world0 up");
    in(world_(), "ip address add 192.0.2.2/24 dev eth0 && ip link set eth0 up");
  }
  void TearDown() override {
    for (const auto& path : {node_(), world_(), pod_()}) {
      EXPECT_TRUE(sys::remove_network_namespace(path).ok());
    }
    ScratchTest::TearDown();
  }

  std::string node_() const { return scratch_ + "/node"; }
  std::string world_() const { return scratch_ + "/world"; }
  std::string pod_() const { return scratch_ + "/pod"; }

  std::string in(const std::string& ns, const std::string& script) {
    return must_run({"nsenter", "--net=" + ns, "sh", "-c", script});
  }
  void on_node(const std::function<Status()>& work) {
    const Status done = sys::in_network_namespace(node_(), work);
    EXPECT_TRUE(done.ok()) << done.error().message();
  }
  std::string rules() {
    return in(node_(), "iptables --table nat --list-rules POSTROUTING | grep MASQUERADE || :");
  }
  bool pod_reaches(const std::string& address) {
    return in(pod_(), "busybox ping -q -c 1 -W 2 " + address + " >/dev/null && echo yes || :") ==
           "yes\n";
  }

  BridgeNetwork network_;
};

TEST_F(MasqueradeTest, OneRuleServesTheNetworkUntilItIsTakenAway) {
  on_node([&] { return stop_masquerading(network_); });
  on_node([&] { return masquerade(network_); });
  const std::string one = rules();
  on_node([&] { return masquerade(network_); });
  EXPECT_EQ(rules(), one);
  EXPECT_EQ(std::count(one.begin(), one.end(), '\n'), 1) << one;

  ASSERT_TRUE(sys::create_network_namespace(pod_()).ok());
  on_node([&]() -> Status {
    DUET_ASSIGN(const Cni cni, Cni::load({.conflist = bridge_conflist(network_),
                                          .cache_directory = scratch_ + "/cache"}));
    const auto added = cni.add({.id = "pod", .network_namespace = pod_(), .name = "pod"});
    return added.ok() ? Status() : added.error();
  });
  EXPECT_TRUE(pod_reaches("192.0.2.2"));

  on_node([&] { return stop_masquerading(network_); });
  EXPECT_EQ(rules(), "");
  EXPECT_FALSE(pod_reaches("192.0.2.2")) << "nobody there knows the way back";
  EXPECT_TRUE(pod_reaches("192.0.2.1"));
}

TEST_F(MasqueradeTest, AnErrorHasTheWordsOfIptables) {
  network_.subnet = "nonsense";
  on_node([&]() -> Status {
    const Status refused = masquerade(network_);
    EXPECT_EQ(refused.error().code(), ErrorCode::kUnavailable);
    EXPECT_NE(refused.error().message().find("nonsense"), std::string::npos)
        << refused.error().message();
    return {};
  });
}

}  // namespace
}  // namespace duet::container
