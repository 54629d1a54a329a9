#include "node/config.h"

#include <gtest/gtest.h>

#include "node/node_names.h"
#include "sys/file.h"

namespace duet::node {
namespace {

class ConfigTest : public testing::Test {
 protected:
  void SetUp() override { root_ = sys::make_temporary_directory("/tmp", "duet-config-").value(); }
  void TearDown() override { EXPECT_TRUE(sys::remove_tree(root_).ok()); }

  Result<NodeConfig> read(const std::string& text) {
    EXPECT_TRUE(sys::write_file(root_ + "/duet.yaml", text).ok());
    NodeConfig defaults;
    defaults.paths = {"/var/lib/duet", "/run/duet", "/var/log/pods", "/run/duet/duet.sock"};
    return read_config(root_ + "/duet.yaml", defaults);
  }
  std::string root_;
};

TEST_F(ConfigTest, ReadsWhatIsSetAndKeepsTheRest) {
  const auto config = read(
      "runDirectory: /run/other\n"
      "manifests: [/etc/duet/manifests]\n"
      "listen:\n- 127.0.0.1:80\n- '[::1]:80'\n"
      "gateway:\n  workers: 3\n  maxTenants: 2\n  maxRequestBytes: 1Gi\n  asyncHandlers: false\n"
      "  proxyProtocol: ['[::1]:80']\n  trustedProxies: [10.0.0.0/8]\n"
      "  forwardedField: Forwarded\n  staticRoots: {www: /srv/www}\n  caFile: /etc/duet/ca.pem\n"
      "listenTLS: [127.0.0.1:443]\n"
      "network:\n  bridge: shop0\n"
      "registries:\n  plainHTTP: ['registry:5000']\n");
  ASSERT_TRUE(config.ok()) << config.error().message();
  EXPECT_EQ(config->paths.run, "/run/other");
  EXPECT_EQ(config->paths.socket, "/run/other/duet.sock");
  EXPECT_EQ(config->paths.state, "/var/lib/duet");
  EXPECT_EQ(config->listen, (std::vector<std::string>{"127.0.0.1:80", "[::1]:80"}));
  EXPECT_EQ(config->gateway_workers, 3);
  EXPECT_EQ(config->max_tenants, 2);
  EXPECT_EQ(config->max_request_bytes, 1 << 30);
  EXPECT_FALSE(config->async_handlers);
  EXPECT_EQ(config->proxy_protocol, std::vector<std::string>{"[::1]:80"});
  EXPECT_EQ(config->trusted_proxies, std::vector<std::string>{"10.0.0.0/8"});
  EXPECT_EQ(config->forwarded_field, "Forwarded");
  EXPECT_EQ(config->gateway_ca_file, "/etc/duet/ca.pem");
  EXPECT_EQ(config->static_roots, (std::map<std::string, std::string>{{"www", "/srv/www"}}));
  EXPECT_TRUE(check_config(*config).ok());
  EXPECT_EQ(config->listen_tls, std::vector<std::string>{"127.0.0.1:443"});
  EXPECT_EQ(config->bridge, "shop0");
  EXPECT_EQ(config->subnet, "10.88.0.0/16");
  EXPECT_EQ(config->plain_http_registries, std::vector<std::string>{"registry:5000"});
}

TEST_F(ConfigTest, AnEmptyFileChangesNothing) {
  const auto config = read("# nothing yet\n");
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->paths.socket, "/run/duet/duet.sock");
  EXPECT_TRUE(config->async_handlers);
}

TEST_F(ConfigTest, UnknownKeysAndWrongTypesAreRefusedWithTheirPlace) {
  const auto config =
      read("manifest: [/a]\nlisten: 8080\nnetwork:\n  brige: x\ngateway: {asyncHandlers: 1}\n");
  ASSERT_FALSE(config.ok());
  const std::string text = config.error().message();
  EXPECT_NE(text.find("duet.yaml:1:1: unknown key \"manifest\", did you mean \"manifests\"?"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("duet.yaml:2:9: expected a list of texts"), std::string::npos) << text;
  EXPECT_NE(text.find("duet.yaml:5:26: expected true or false"), std::string::npos) << text;
  EXPECT_NE(text.find("duet.yaml:4:3: unknown key \"brige\", did you mean \"bridge\"?"),
            std::string::npos)
      << text;
}

TEST_F(ConfigTest, QuantitiesOfBytesAreCheckedAndBounded) {
  EXPECT_EQ(read("gateway: {maxRequestBytes: 0}")->max_request_bytes, 0);
  EXPECT_EQ(read("gateway: {maxRequestBytes: 4096}")->max_request_bytes, 4096);
  for (const char* bad : {"-1", "many", "2Ti", "[1]"}) {
    const auto config = read("gateway: {maxRequestBytes: " + std::string(bad) + "}");
    ASSERT_FALSE(config.ok()) << bad;
    EXPECT_NE(config.error().message().find("expected a quantity of bytes such as 256Mi"),
              std::string::npos)
        << config.error().message();
  }
}

TEST_F(ConfigTest, WhatNoMachineCouldCarryOutIsNamed) {
  EXPECT_TRUE(check_config({}).ok());
  NodeConfig config{
      .listen = {"[::1]:80", "127.0.0.1:0"}, .bridge = "shop0", .subnet = "10.1.2.0/24"};
  EXPECT_TRUE(check_config(config).ok());
  for (const char* bad : {"8080", "localhost:80", "127.0.0.1:80x", "127.0.0.1:70000", ""}) {
    config.listen = {bad};
    const Status status = check_config(config);
    ASSERT_FALSE(status.ok()) << bad;
    EXPECT_TRUE(status.error().message().starts_with(std::string("listen: ") + bad))
        << status.error().message();
  }
  config.listen = {};
  for (const char* bad : {"10.1.2.0", "10.1.2/24", "10.1.2.0/31", "10.1.2.5/24", "::1/64", ""}) {
    config.subnet = bad;
    EXPECT_FALSE(check_config(config).ok()) << bad;
  }
  config.subnet = "10.1.2.0/24";
  for (const char* bad : {"", "sixteen-letters-", "a/b", ".."}) {
    config.bridge = bad;
    EXPECT_FALSE(check_config(config).ok()) << bad;
  }
}

TEST_F(ConfigTest, ASecondNodeIsAPartOfAWholeOne) {
  const auto problem = [this](const std::string& cluster) {
    const auto config = read("cluster: {" + cluster + "}");
    const Status status = config.ok() ? check_config(*config) : Status(config.error());
    return status.ok() ? std::string("none") : status.error().message();
  };
  EXPECT_EQ(problem("node: whole, wasmNodePercent: 25"), "none");
  EXPECT_EQ(read("cluster: {node: whole, wasmNodePercent: 25}")->wasm_node_percent, 25);
  EXPECT_TRUE(problem("wasmNodePercent: 25").starts_with("cluster.wasmNodePercent: "));
  EXPECT_NE(problem("node: whole, wasmNodePercent: 100").find("a number from 1 to 99"),
            std::string::npos);
  EXPECT_TRUE(problem("wasmKubeletListen: x").starts_with("cluster.wasmKubeletListen: x"));
  EXPECT_TRUE(problem("node: whole, wasmNodePercent: 25, kubeletListen: '0.0.0.0:10260'")
                  .starts_with("cluster.wasmKubeletListen: \"0.0.0.0:10260\" is"));
}

TEST_F(ConfigTest, NodesOfAClusterHaveNames) {
  NodeConfig config{.node_name = "edge", .node_kind = "whole", .wasm_node_percent = 25};
  EXPECT_EQ(wasm_node_name(config), "");  // of a site of its own
  config.join.server = "https://10.0.0.1:6443";
  EXPECT_EQ(node_name(config), "edge");
  EXPECT_EQ(wasm_node_name(config), "edge-wasm");
  config.wasm_node_percent = 0;
  EXPECT_EQ(wasm_node_name(config), "");
  config.node_name = "";
  config.node_kind = "wasm";
  EXPECT_TRUE(node_name(config).ends_with("-wasm"));
}

TEST_F(ConfigTest, AClustersGatewayIsNotTheNodesOwn) {
  const auto config = read("cluster: {gateway: infra/edge}\ngateway: {workers: 3}");
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->cluster_gateway, "infra/edge");
  EXPECT_EQ(config->gateway_workers, 3);
}

TEST_F(ConfigTest, AnAddressOfIngressesNeedsTheirClass) {
  EXPECT_TRUE(check_config({.ingress_class = "edge", .ingress_address = "192.0.2.7"}).ok());
  EXPECT_FALSE(check_config({.ingress_address = "192.0.2.7"}).ok());
}

TEST_F(ConfigTest, CompressionIsGzipOrOff) {
  EXPECT_TRUE(check_config(*read("gateway: {compression: gzip}")).ok());
  EXPECT_FALSE(check_config(*read("gateway: {compression: br}")).ok());
}

TEST_F(ConfigTest, StaticRootsAreNamesAndAbsolutePaths) {
  EXPECT_TRUE(check_config({.static_roots = {{"www", "/srv/www"}}}).ok());
  EXPECT_FALSE(check_config({.static_roots = {{"a/b", "/srv/www"}}}).ok());
  EXPECT_FALSE(check_config({.static_roots = {{"www", "srv"}}}).ok());
  EXPECT_FALSE(read("gateway: {staticRoots: [a]}").ok());
  EXPECT_FALSE(read("gateway: {staticRoots: {a: [b]}}").ok());
}

TEST_F(ConfigTest, ProxiesAreChecked) {
  const NodeConfig good{.listen_tls = {"127.0.0.1:443"},
                        .proxy_protocol = {"127.0.0.1:443"},
                        .trusted_proxies = {"10.0.0.0/8", "::1"}};
  EXPECT_TRUE(check_config(good).ok());
  const auto problem = [&good](auto change) {
    NodeConfig config = good;
    change(config);
    const Status status = check_config(config);
    return status.ok() ? std::string("none") : status.error().message();
  };
  EXPECT_TRUE(problem([](NodeConfig& config) {
                config.trusted_proxies = {"10.0.0.0/33"};
              }).starts_with("gateway.trustedProxies: \"10.0.0.0/33\""));
  EXPECT_TRUE(problem([](NodeConfig& config) {
                config.proxy_protocol = {"127.0.0.1:80"};
              }).starts_with("gateway.proxyProtocol: \"127.0.0.1:80\""));
  EXPECT_TRUE(problem([](NodeConfig& config) {
                config.trusted_proxies.clear();
              }).starts_with("gateway.proxyProtocol: nobody is believed"));
  EXPECT_TRUE(problem([](NodeConfig& config) {
                config.forwarded_field = "Via";
              }).starts_with("gateway.forwardedField: \"Via\""));
}

TEST_F(ConfigTest, BrokenYamlIsRefusedWithItsPlace) {
  const auto config = read("listen: [\n");
  ASSERT_FALSE(config.ok());
  EXPECT_NE(config.error().message().find("duet.yaml:"), std::string::npos);
  EXPECT_EQ(read_config(root_ + "/missing.yaml", {}).error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace duet::node
