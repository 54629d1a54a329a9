#include "cluster/node_object.h"

#include <gtest/gtest.h>

#include <chrono>

namespace duet::cluster {
namespace {

NodeFacts facts() {
  return wasm_node({.name = "edge-wasm",
                    .host_name = "edge",
                    .address = "10.0.0.7",
                    .labels = {{"site", "seven"}},
                    .machine = {.cpus = 4, .memory_bytes = 4LL << 30, .os_image = "Site Linux"}});
}
NodeMeasures healthy() {
  return {.use = {.memory_available_bytes = 2LL << 30,
                  .processes = 100,
                  .process_limit = 1'000,
                  .storage_bytes = 100LL << 30,
                  .storage_available_bytes = 50LL << 30,
                  .inodes = 1'000,
                  .inodes_available = 900},
          .images = {}};
}
const sys::WallTime kNow = sys::WallTime(std::chrono::seconds(1'800'000'000));

const Json& condition(const Json& status, const std::string& type) {
  for (const Json& one : status["conditions"]) {
    if (one["type"] == type) {
      return one;
    }
  }
  static const Json none;
  return none;
}

TEST(NodeObject, OfAWasmNodeAsksForItsPods) {
  const Json node = node_object(facts(), healthy(), kNow);
  const Json& labels = node["metadata"]["labels"];
  EXPECT_EQ(labels["kubernetes.io/arch"], "wasm32-wasi");
  EXPECT_EQ(labels["site"], "seven");
  ASSERT_EQ(node["spec"]["taints"].size(), 1U);
  EXPECT_EQ(
      node["spec"]["taints"][0],
      (Json{{"key", "kubernetes.io/arch"}, {"value", "wasm32-wasi"}, {"effect", "NoSchedule"}}));
  const Json& status = node["status"];
  EXPECT_EQ(status["allocatable"]["cpu"], "4");
  EXPECT_EQ(status["allocatable"]["memory"], "4194304Ki");
  EXPECT_EQ(status["allocatable"]["pods"], "110");
  EXPECT_EQ(condition(status, "Ready")["status"], "True");
  for (const char* type : {"MemoryPressure", "DiskPressure", "PIDPressure"}) {
    EXPECT_EQ(condition(status, type)["status"], "False") << type;
  }
}

TEST(NodeObject, OfAWholeMachineTakesWhatComes) {
  NodeFacts given = facts();
  given.taints.clear();
  given.architecture = "arm64";
  given.runtime_handlers = {"wasm", "crun"};
  const Json node = node_object(whole_node(given), healthy(), kNow);
  EXPECT_EQ(node["metadata"]["labels"]["kubernetes.io/arch"], "arm64");
  EXPECT_EQ(node["metadata"]["labels"]["kubernetes.io/os"], "linux");
  EXPECT_TRUE(node["spec"]["taints"].empty());
  EXPECT_EQ(node["status"]["nodeInfo"]["operatingSystem"], "linux");
  EXPECT_EQ(node["status"]["runtimeHandlers"],
            Json::parse(R"([{"name": ""}, {"name": "wasm"}, {"name": "crun"}])"));
}

TEST(NodeObject, TwoOfOneMachinePromiseNothingTwice) {
  const auto resources = [](int percent) {
    NodeFacts first = facts();
    NodeFacts second = facts();
    share_machine(first, second, percent);
    return std::pair(node_status(first, healthy(), nullptr, kNow),
                     node_status(second, healthy(), nullptr, kNow));
  };
  const auto [first, second] = resources(25);
  EXPECT_EQ(first["capacity"]["cpu"], "4");
  EXPECT_EQ(first["allocatable"], (Json{{"cpu", "3"},
                                        {"memory", "3145728Ki"},
                                        {"ephemeral-storage", "78643200Ki"},
                                        {"pods", "82"}}));
  EXPECT_EQ(second["allocatable"], (Json{{"cpu", "1"},
                                         {"memory", "1048576Ki"},
                                         {"ephemeral-storage", "26214400Ki"},
                                         {"pods", "27"}}));
  EXPECT_EQ(second["capacity"], second["allocatable"]);
  EXPECT_EQ(resources(30).second["allocatable"]["cpu"], "1200m");
}

TEST(NodeObject, SaysWhatIsShort) {
  NodeMeasures measures = healthy();
  measures.use.memory_available_bytes = 50 << 20;
  EXPECT_EQ(condition(node_status(facts(), measures, nullptr, kNow), "MemoryPressure")["status"],
            "True");
  measures = healthy();
  measures.use.storage_available_bytes = 5LL << 30;
  EXPECT_EQ(condition(node_status(facts(), measures, nullptr, kNow), "DiskPressure")["status"],
            "True");
  measures = healthy();
  measures.use.inodes_available = 10;
  EXPECT_EQ(condition(node_status(facts(), measures, nullptr, kNow), "DiskPressure")["status"],
            "True");
  measures = healthy();
  measures.use.processes = 950;
  EXPECT_EQ(condition(node_status(facts(), measures, nullptr, kNow), "PIDPressure")["status"],
            "True");
}

TEST(NodeObject, AConditionKeepsTheTimeOfItsLastChange) {
  const Json first = node_status(facts(), healthy(), nullptr, kNow);
  const auto later = kNow + std::chrono::minutes(5);
  const Json second = node_status(facts(), healthy(), first, later);
  EXPECT_FALSE(differs(first, second));
  EXPECT_EQ(condition(second, "Ready")["lastTransitionTime"], sys::format_rfc3339(kNow));
  EXPECT_EQ(condition(second, "Ready")["lastHeartbeatTime"], sys::format_rfc3339(later));
  NodeMeasures measures = healthy();
  measures.use.memory_available_bytes = 0;
  const Json third = node_status(facts(), measures, second, later);
  EXPECT_TRUE(differs(second, third));
  EXPECT_EQ(condition(third, "MemoryPressure")["lastTransitionTime"], sys::format_rfc3339(later));
}

TEST(NodeObject, ReadsNoSenseIntoAStatusThatHasNone) {
  for (const Json& odd : {Json(7), Json{{"conditions", 5}}, Json{{"conditions", {1, nullptr}}},
                          Json{{"conditions", {{{"type", "Ready"}, {"status", "True"}}}}}}) {
    EXPECT_EQ(condition(node_status(facts(), healthy(), odd, kNow), "Ready")["lastTransitionTime"],
              sys::format_rfc3339(kNow));
  }
}

TEST(NodeStatus, NamesTheImages) {
  NodeMeasures measures = healthy();
  measures.images = {{{"a.test/app@sha256:1", "a.test/app:v1"}, 7}};
  const Json status = node_status(facts(), measures, nullptr, kNow);
  EXPECT_EQ(status["images"], Json::parse(R"([{"names": ["a.test/app@sha256:1", "a.test/app:v1"],
                                              "sizeBytes": 7}])"));
  EXPECT_TRUE(differs(status, node_status(facts(), healthy(), nullptr, kNow)));
}

TEST(NodeStatus, SaysWhereItsKubeletListens) {
  NodeFacts with = facts();
  with.kubelet_port = 10'250;
  const Json status = node_status(with, healthy(), nullptr, kNow);
  EXPECT_EQ(status["daemonEndpoints"]["kubeletEndpoint"]["Port"], 10'250);
  EXPECT_EQ(status["declaredFeatures"], Json::array({"ExtendWebSocketsToKubelet"}));
  EXPECT_TRUE(node_status(facts(), healthy(), nullptr, kNow)["declaredFeatures"].empty());
}

TEST(NodeLease, HasTheTimeInMicroseconds) {
  const Json lease = node_lease("edge", "u-1", kNow + std::chrono::nanoseconds(1'234'567));
  EXPECT_EQ(lease["spec"]["renewTime"], "2027-01-15T08:00:00.001234Z");
  EXPECT_EQ(lease["spec"]["holderIdentity"], "edge");
  EXPECT_EQ(lease["metadata"]["ownerReferences"][0]["uid"], "u-1");
}

}  // namespace
}  // namespace duet::cluster
