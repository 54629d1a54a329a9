#include "container/cni.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "container/bundle.h"
#include "container/cni_config.h"
#include "container/rootfs.h"
#include "container/test_support.h"

namespace duet::container {
namespace {

TEST(CniConfig, OwnNetworkIsAValidList) {
  const auto list = parse_conflist(bridge_conflist({.bridge = "b0", .subnet = "10.9.0.0/24"}));
  ASSERT_TRUE(list.ok()) << list.error().message();
  EXPECT_EQ(list->types, (std::vector<std::string>{"bridge", "portmap"}));
  const auto bridge = nlohmann::json::parse(list->plugins[0]);
  EXPECT_EQ(bridge["ipam"]["ranges"].dump(), R"([[{"subnet":"10.9.0.0/24"}]])");
  EXPECT_EQ(bridge["ipam"]["routes"].dump(), R"([{"dst":"0.0.0.0/0"}])");
}

TEST(CniConfig, OnePluginAloneIsAList) {
  const auto list =
      parse_conflist(R"({"cniVersion": "0.4.0", "name": "n", "type": "bridge", "bridge": "b"})");
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list->types, std::vector<std::string>{"bridge"});
}

TEST(CniConfig, BadListsAreRefused) {
  for (const char* text :
       {"", "[]", "null", R"({"cniVersion":"1.0.0"})", R"({"cniVersion":"0.2.0","name":"n"})",
        R"({"cniVersion":"9.0.0","name":"n","type":"x"})",
        R"({"cniVersion":"1.0.0","name":"../n","type":"x"})",
        R"({"cniVersion":"1.0.0","name":"n","type":"../../bin/sh"})",
        R"({"cniVersion":"1.0.0","name":"n","plugins":{}})",
        R"({"cniVersion":"1.0.0","name":"n","plugins":[]})",
        R"({"cniVersion":"1.0.0","name":"n","plugins":[1]})"}) {
    EXPECT_FALSE(parse_conflist(text).ok()) << text;
  }
}

TEST(CniConfig, ExecutionConfigHasResultAndPorts) {
  const auto list = parse_conflist(bridge_conflist({})).value();
  const auto text =
      execution_config(list, list.plugins[1], R"({"ips":[]})", {{8080, 80, "tcp", ""}});
  const auto config = nlohmann::json::parse(text.value());
  EXPECT_EQ(config["name"], "duet");
  EXPECT_EQ(config["cniVersion"], "1.0.0");
  EXPECT_EQ(config["prevResult"].dump(), R"({"ips":[]})");
  EXPECT_EQ(config["runtimeConfig"]["portMappings"][0]["hostPort"], 8080);
  EXPECT_FALSE(config.contains("capabilities"));
}

TEST(CniConfig, ResultsGiveThePodsAddresses) {
  const auto result = parse_cni_result(
      R"({"interfaces":[{"name":"br"},{"name":"eth0","sandbox":"/ns"}],
          "ips":[{"address":"1.2.3.1/24","interface":0},
                 {"address":"1.2.3.4/24","gateway":"1.2.3.1","interface":1}]})");
  ASSERT_TRUE(result.ok());
  ASSERT_EQ(result->addresses.size(), 1U);
  EXPECT_EQ(result->addresses[0].address, "1.2.3.4");
  EXPECT_EQ(result->addresses[0].prefix_length, 24);
  EXPECT_EQ(result->addresses[0].gateway, "1.2.3.1");
  for (const char* text : {"", "{}", R"({"ips":[1, {"address":5}, {"interface":-1}]})"}) {
    EXPECT_FALSE(parse_cni_result(text).ok()) << text;
  }
}

// Real plugins on a bridge of the test's own.
class CniTest : public ScratchTest {
 protected:
  void SetUp() override {
    ScratchTest::SetUp();
    network_.name = "duet-test-" + unique_suffix();
    network_.bridge = "dt" + unique_suffix();
    network_.subnet = "10.213." + std::to_string(::getpid() % 250) + ".0/24";
    network_.ipam_data_directory = scratch_ + "/ipam";
    network_.port_map = false;
    namespaces_ = scratch_ + "/ns";
    ASSERT_TRUE(sys::make_directories(namespaces_).ok());
  }
  void TearDown() override {
    const auto names = sys::list_directory(namespaces_).value();
    for (const auto& name : names) {
      EXPECT_TRUE(sys::remove_network_namespace(namespaces_ + "/" + name).ok());
    }
    if (sys::file_exists("/sys/class/net/" + network_.bridge)) {
      must_run({"ip", "link", "delete", network_.bridge});
    }
    ScratchTest::TearDown();
  }

  Cni::Options options() {
    return {.conflist = bridge_conflist(network_), .cache_directory = scratch_ + "/cache"};
  }
  Cni load() { return Cni::load(options()).value(); }
  CniPod make_pod(const std::string& id) {
    const std::string path = namespaces_ + "/" + id;
    const auto made = sys::create_network_namespace(path);
    EXPECT_TRUE(made.ok()) << made.error().message();
    return {.id = id, .network_namespace = path, .name = id, .ns = "default", .uid = "u"};
  }
  std::vector<std::string> leases() {
    auto names = sys::list_directory(network_.ipam_data_directory + "/" + network_.name).value();
    std::erase_if(names, [](const auto& name) { return !name.starts_with("10."); });
    return names;
  }

  BridgeNetwork network_;
  std::string namespaces_;
};

TEST_F(CniTest, AttachesChecksAndDetaches) {
  const Cni cni = load();
  const CniPod pod = make_pod("one");
  const auto added = cni.add(pod);
  ASSERT_TRUE(added.ok()) << added.error().message();
  ASSERT_EQ(added->addresses.size(), 1U);
  EXPECT_TRUE(added->addresses[0].address.starts_with("10.213."));
  EXPECT_EQ(added->addresses[0].interface_name, "eth0");
  EXPECT_FALSE(added->addresses[0].gateway.empty());
  EXPECT_EQ(cni.cached(pod).value().addresses[0].address, added->addresses[0].address);
  EXPECT_EQ(leases(), std::vector<std::string>{added->addresses[0].address});

  EXPECT_TRUE(cni.check(pod).ok());
  EXPECT_EQ(cni.add(pod).error().code(), ErrorCode::kAlreadyExists);
  must_run({"nsenter", "--net=" + pod.network_namespace, "ip", "link", "delete", "eth0"});
  EXPECT_FALSE(cni.check(pod).ok()) << "the interface is gone";

  EXPECT_TRUE(cni.remove(pod).ok());
  EXPECT_TRUE(leases().empty());
  EXPECT_EQ(cni.cached(pod).error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(cni.remove(pod).ok());
  EXPECT_TRUE(sys::list_directory(scratch_ + "/cache").value().empty());
}

TEST_F(CniTest, HalfWrittenFilesGoWithTheNextLoad) {
  ASSERT_TRUE(sys::make_directories(scratch_ + "/cache").ok());
  ASSERT_TRUE(sys::write_file(scratch_ + "/cache/a.json", "{}").ok());
  ASSERT_TRUE(sys::write_file(scratch_ + "/cache/a.json.x7Zq1B", "{").ok());
  ASSERT_TRUE(Cni::load(options()).ok());
  EXPECT_EQ(sys::list_directory(scratch_ + "/cache").value(), std::vector<std::string>{"a.json"});
}

TEST_F(CniTest, AnotherNetworksAttachmentIsKeptAndTakenBack) {
  const CniPod pod = make_pod("moved");
  const auto added = load().add(pod);
  ASSERT_TRUE(added.ok()) << added.error().message();
  auto options = this->options();
  network_.name = "duet-other-" + unique_suffix();
  options.conflist = bridge_conflist(network_);
  const auto other = Cni::load(options);
  ASSERT_TRUE(other.ok()) << other.error().message();
  EXPECT_EQ(other->attached().value(), std::vector<std::string>{"moved"});
  EXPECT_EQ(other->cached(pod).value().addresses[0].address, added->addresses[0].address);
  EXPECT_TRUE(other->remove(pod).ok());
  EXPECT_TRUE(other->attached().value().empty());
  network_.name = "duet-test-" + unique_suffix();
  EXPECT_TRUE(leases().empty());
}

TEST_F(CniTest, DetachesWhenTheNamespaceIsGone) {
  const Cni cni = load();
  const CniPod pod = make_pod("gone");
  ASSERT_TRUE(cni.add(pod).ok());
  ASSERT_TRUE(sys::remove_network_namespace(pod.network_namespace).ok());
  const auto removed = cni.remove(pod);
  EXPECT_TRUE(removed.ok()) << removed.error().message();
  EXPECT_TRUE(leases().empty());
}

TEST_F(CniTest, FailedAttachIsTakenBack) {
  // The second plugin fails after the first has given an address.
  auto list = nlohmann::json::parse(bridge_conflist(network_));
  list["plugins"].push_back({{"type", "failing"}});
  ASSERT_TRUE(sys::make_directories(scratch_ + "/bin").ok());
  ASSERT_TRUE(sys::write_file(scratch_ + "/bin/failing",
                              "#!/bin/sh\n[ $CNI_COMMAND = DEL ] && exit 0\n"
                              "echo '{\"code\": 11, \"msg\": \"no luck\"}'; exit 1\n",
                              0755)
                  .ok());
  auto options = this->options();
  options.conflist = list.dump();
  options.plugin_directories = {"/opt/cni/bin", "/usr/lib/cni", scratch_ + "/bin"};
  const auto cni = Cni::load(options);
  ASSERT_TRUE(cni.ok()) << cni.error().message();
  const CniPod pod = make_pod("unlucky");
  const auto added = cni->add(pod);
  ASSERT_FALSE(added.ok());
  EXPECT_NE(added.error().message().find("failing ADD failed: no luck"), std::string::npos)
      << added.error().message();
  EXPECT_TRUE(leases().empty());
  EXPECT_EQ(cni->cached(pod).error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(sys::list_directory(scratch_ + "/cache").value().empty());
}

TEST_F(CniTest, ASpoiledRecordIsTakenBackAndWrittenAnew) {
  const Cni cni = load();
  const CniPod pod = make_pod("spoiled");
  ASSERT_TRUE(cni.add(pod).ok());
  const std::string record = scratch_ + "/cache/spoiled.json";
  for (const char* left : {"", "{\"pod\":"}) {
    ASSERT_TRUE(sys::write_file(record, left).ok());
    EXPECT_EQ(cni.cached(pod).error().code(), ErrorCode::kNotFound);
    const auto again = cni.add(pod);
    ASSERT_TRUE(again.ok()) << again.error().message();
    EXPECT_EQ(leases(), std::vector<std::string>{again->addresses[0].address});
  }
  ASSERT_TRUE(sys::write_file(record, "").ok());
  EXPECT_TRUE(cni.remove(pod).ok());
  EXPECT_TRUE(leases().empty());
}

TEST_F(CniTest, MissingPluginsAreNamedWithTheFolders) {
  auto options = this->options();
  options.plugin_directories = {scratch_ + "/a", scratch_ + "/b"};
  const auto cni = Cni::load(options);
  EXPECT_EQ(cni.error().code(), ErrorCode::kNotFound);
  EXPECT_NE(
      cni.error().message().find("no plugin bridge in " + scratch_ + "/a, " + scratch_ + "/b"),
      std::string::npos)
      << cni.error().message();
}

TEST_F(CniTest, HostPortsNeedAPluginThatMapsThem) {
  CniPod pod = make_pod("ports");
  pod.ports = {{8080, 80, "tcp", ""}};
  EXPECT_EQ(load().add(pod).error().code(), ErrorCode::kUnsupported);
}

TEST_F(CniTest, BadIdsAreRefused) {
  const Cni cni = load();
  for (const char* id : {"", "../x", "a/b", "-a", "a b"}) {
    EXPECT_EQ(cni.add({.id = id}).error().code(), ErrorCode::kInvalid) << id;
    EXPECT_EQ(cni.remove({.id = id}).error().code(), ErrorCode::kInvalid) << id;
  }
}

TEST_F(CniTest, FirstConfigurationOfTheFolderCounts) {
  const std::string folder = scratch_ + "/net.d";
  ASSERT_TRUE(sys::make_directories(folder).ok());
  EXPECT_EQ(first_conflist(folder).error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(sys::write_file(folder + "/00-readme.txt", "no").ok());
  ASSERT_TRUE(sys::write_file(folder + "/20-b.conflist", "b").ok());
  ASSERT_TRUE(sys::write_file(folder + "/10-a.conf", "a").ok());
  EXPECT_EQ(first_conflist(folder).value(), "a");
}

// Two containers, each in a namespace of its own: one serves, the other asks over the bridge.
class TwoContainersTest : public CniTest {
 protected:
  void SetUp() override {
    CniTest::SetUp();
    const std::string layout = make_busybox_layout(scratch_);
    image_ = read_layout(layout);
    auto store = LayerStore::open({.root = scratch_ + "/layers", .unpacker = unpacker_path()});
    layers_ = (*store)->ensure(image_, blobs_of_layout(layout)).value();
  }
  void TearDown() override {
    for (const char* id : {"server", "client"}) {
      EXPECT_TRUE(remove_rootfs(scratch_ + "/" + id).ok());
    }
    CniTest::TearDown();
  }
  // The argv that runs `script` in a container in the namespace of `pod`.
  sys::Command command_for(const CniPod& pod, const std::string& script) {
    const auto root = mount_rootfs({scratch_ + "/" + pod.id, layers_}).value();
    ContainerSpec spec;
    spec.id = "duet-" + pod.id + unique_suffix();
    spec.command = {"/bin/sh", "-c", script};
    spec.network_namespace = pod.network_namespace;
    spec.cgroup_path = "/" + spec.id;
    const auto host = probe_host(kDefaultSeccompProfile).value();
    const auto config = oci_config(image_.config, spec, root, host);
    EXPECT_TRUE(config.ok()) << config.error().message();
    const std::string bundle = scratch_ + "/bundle-" + pod.id;
    EXPECT_TRUE(write_bundle(bundle, *config).ok());
    sys::Command command;
    command.argv = {"runc", "--root", scratch_ + "/state", "run", "--bundle", bundle, spec.id};
    return command;
  }

  oci::Image image_;
  std::vector<std::string> layers_;
};

TEST_F(TwoContainersTest, ReachEachOtherOverTheBridge) {
  const Cni cni = load();
  const CniPod server = make_pod("server");
  const CniPod client = make_pod("client");
  const auto address = cni.add(server);
  ASSERT_TRUE(address.ok()) << address.error().message();
  ASSERT_TRUE(cni.add(client).ok());

  // The server says when it listens, and ends when its stdin does.
  auto in = sys::make_pipe().value();
  auto out = sys::make_pipe().value();
  auto command = command_for(server, "httpd -h /www -p 80 && echo up; read end; exit 0");
  command.stdin_fd = in.read.get();
  command.stdout_fd = out.write.get();
  const pid_t pid = sys::spawn(command).value();
  out.write.reset();
  std::array<char, 3> line{};
  ASSERT_EQ(::read(out.read.get(), line.data(), line.size()), 3);

  const std::string ip = address->addresses[0].address;
  const std::string script = "ping -c 1 -W 5 " + ip +
                             " >/dev/null && echo pong; printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc " +
                             ip + " 80";
  const auto output = sys::run(command_for(client, script), "", kToolTimeoutMs).value();
  EXPECT_TRUE(output.out.starts_with("pong\nHTTP/1.1 200 OK")) << output.out << output.err;
  EXPECT_NE(output.out.find("hello from a container\n"), std::string::npos) << output.out;

  in.write.reset();
  EXPECT_TRUE(sys::wait_for(pid, kToolTimeoutMs).ok());
  EXPECT_TRUE(cni.remove(client).ok());
  EXPECT_TRUE(cni.remove(server).ok());
  EXPECT_TRUE(leases().empty());
}

}  // namespace
}  // namespace duet::container
