#include "container/machine_network.h"

#include <gtest/gtest.h>

#include "sys/file.h"

namespace duet::container {
namespace {

constexpr const char* kK3s = "/var/lib/rancher/k3s";

// A machine's folders below a root of the test's own.
class MachineNetworkTest : public testing::Test {
 protected:
  void SetUp() override { root_ = sys::make_temporary_directory("/tmp", "duet-machine-").value(); }
  void TearDown() override { EXPECT_TRUE(sys::remove_tree(root_).ok()); }

  void put(const std::string& path, const std::string& text, unsigned mode = 0644) {
    const std::string whole = root_ + path;
    ASSERT_TRUE(sys::make_directories(whole.substr(0, whole.rfind('/'))).ok());
    ASSERT_TRUE(sys::write_file(whole, text, mode).ok());
  }
  void put_plugin(const std::string& path) { put(path, "#!/bin/sh\n", 0755); }
  void put_network(const std::string& path, const std::string& name, const std::string& type) {
    put(path, R"({"cniVersion":"1.0.0","name":")" + name + R"(","plugins":[{"type":")" + type +
                  R"("}]})");
  }
  std::optional<MachineNetwork> find() {
    problems_.clear();
    return find_machine_network(usual_cni_places({root_ + "/opt/cni/bin"}, root_),
                                root_ + "/results", problems_);
  }

  std::string root_;
  std::vector<std::string> problems_;
};

TEST_F(MachineNetworkTest, NoneIsNoProblem) {
  EXPECT_FALSE(find());
  ASSERT_TRUE(sys::make_directories(root_ + "/etc/cni/net.d").ok());
  EXPECT_FALSE(find());
  EXPECT_TRUE(problems_.empty());
}

TEST_F(MachineNetworkTest, TheUsualFolderComesBeforeThatOfK3s) {
  put_network("/etc/cni/net.d/10-usual.conflist", "usual", "bridge");
  put_network(std::string(kK3s) + "/agent/etc/cni/net.d/10-flannel.conflist", "cbr0", "flannel");
  put_plugin("/opt/cni/bin/bridge");
  put_plugin(std::string(kK3s) + "/data/cni/flannel");
  const auto found = find();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->cni.network(), "usual");
  EXPECT_EQ(found->config_directory, root_ + "/etc/cni/net.d");
  EXPECT_TRUE(problems_.empty());
}

TEST_F(MachineNetworkTest, K3sHasItsPluginsInEitherFolder) {
  put_network(std::string(kK3s) + "/agent/etc/cni/net.d/10-flannel.conflist", "cbr0", "flannel");
  for (const char* folder : {"/data/cni", "/data/current/bin"}) {
    put_plugin(kK3s + std::string(folder) + "/flannel");
    const auto found = find();
    ASSERT_TRUE(found) << folder;
    EXPECT_EQ(found->cni.network(), "cbr0");
    ASSERT_TRUE(sys::remove_tree(root_ + kK3s + folder).ok());
  }
  EXPECT_FALSE(find());
}

TEST_F(MachineNetworkTest, WhatCannotBeUsedIsPassedOverAndTold) {
  put_network("/etc/cni/net.d/87-left-behind.conflist", "left", "nowhere");
  put_network(std::string(kK3s) + "/agent/etc/cni/net.d/10-flannel.conflist", "cbr0", "flannel");
  put_plugin("/opt/cni/bin/flannel");
  const auto found = find();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->cni.network(), "cbr0");
  ASSERT_EQ(problems_.size(), 1U);
  EXPECT_NE(problems_[0].find(root_ + "/etc/cni/net.d: its pod network cannot be used: "),
            std::string::npos)
      << problems_[0];
  EXPECT_NE(problems_[0].find("no plugin nowhere in "), std::string::npos) << problems_[0];
}

}  // namespace
}  // namespace duet::container
