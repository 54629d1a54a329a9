#include "kubelet/node_pods.h"

#include "kubelet/kubelet_fixture.h"

namespace duet::kubelet {
namespace {

using NodePodsTest = KubeletTest;

std::vector<std::string> names_of(store::Store& store, const NodeView& node) {
  std::vector<std::string> names;
  const auto pods = node_pods(store, node);
  for (const NodePod& pod : *pods) {
    names.push_back(pod.name);
  }
  return names;
}

TEST_F(NodePodsTest, TheSitesOwnBelongToOneNodeAlone) {
  make_pod("web");
  make_pod("hello", true, "edge-wasm");
  make_pod("local", false);
  const NodeView first{.name = "edge"};
  const NodeView second{.name = "edge-wasm", .has_site_pods = false};
  EXPECT_EQ(names_of(*store_, first), (std::vector<std::string>{"local-edge", "web"}));
  EXPECT_EQ(names_of(*store_, second), std::vector<std::string>{"hello"});
  const auto finds = [this](const NodeView& node, const std::string& name) {
    return find_node_pod(*store_, node, {object::Kind::kPod, "default", name}, "").ok();
  };
  EXPECT_TRUE(finds(first, "local-edge"));
  EXPECT_FALSE(finds(first, "hello"));
  EXPECT_TRUE(finds(second, "hello"));
  EXPECT_FALSE(finds(second, "web"));
  EXPECT_FALSE(finds(second, "local-edge-wasm"));
}

}  // namespace
}  // namespace duet::kubelet
