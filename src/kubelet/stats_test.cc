#include "kubelet/stats.h"

#include <gtest/gtest.h>

#include "kubelet/kubelet_fixture.h"

namespace duet::kubelet {
namespace {

using Json = cluster::Json;

NodeStats some_stats() {
  NodeStats out{.time = sys::WallTime(std::chrono::seconds(1'800'000'000)),
                .machine = {.cpus = 4, .memory_bytes = 1000, .boot_s = 1'700'000'000},
                .use = {.cpu_ns = 12'500'000'000, .memory_available_bytes = 400}};
  out.pods.push_back(
      {.ns = "default",
       .name = "web",
       .uid = "u-1",
       .start_time = "2027-01-15T07:00:00Z",
       .whole = {.memory_bytes = 90, .memory_working_set_bytes = 80, .cpu_ns = 2'000'000'000},
       .containers = {
           {"main",
            "2027-01-15T08:00:00Z",
            {.memory_bytes = 70, .memory_working_set_bytes = 60, .cpu_ns = 1'250'000'000}}}});
  return out;
}

void expect_line(const std::string& text, const std::string& line) {
  EXPECT_NE(text.find("\n" + line + "\n"), std::string::npos) << line << "\n" << text;
}

TEST(Stats, ResourceMetricsAreWhatMetricsServerReads) {
  const std::string text = resource_metrics(some_stats());
  const std::string main = R"({container="main",namespace="default",pod="web"} )";
  expect_line(text, "container_cpu_usage_seconds_total" + main + "1.25");
  expect_line(text, "container_memory_working_set_bytes" + main + "60");
  expect_line(text, "container_start_time_seconds" + main + "1800000000");
  expect_line(text, R"(pod_cpu_usage_seconds_total{namespace="default",pod="web"} 2)");
  expect_line(text, R"(pod_memory_working_set_bytes{namespace="default",pod="web"} 80)");
  expect_line(text, "node_cpu_usage_seconds_total 12.5");
  expect_line(text, "node_memory_working_set_bytes 600");
  expect_line(text, "scrape_error 0");
}

TEST(Stats, CadvisorsFamiliesHaveContainersAndPods) {
  const std::string text = cadvisor_metrics(some_stats());
  expect_line(text,
              R"(container_memory_usage_bytes{container="main",namespace="default",pod="web"} 70)");
  expect_line(text,
              R"(container_memory_usage_bytes{container="",namespace="default",pod="web"} 90)");
  expect_line(text, "machine_cpu_cores 4");
}

TEST(Stats, TheSummaryIsKubernetes) {
  const Json summary = Json::parse(stats_summary(some_stats(), {.name = "edge"}));
  EXPECT_EQ(summary["node"]["nodeName"], "edge");
  EXPECT_EQ(summary["node"]["cpu"]["usageCoreNanoSeconds"], 12'500'000'000);
  EXPECT_EQ(summary["node"]["memory"]["workingSetBytes"], 600);
  const Json& pod = summary["pods"][0];
  EXPECT_EQ(pod["podRef"], (Json{{"name", "web"}, {"namespace", "default"}, {"uid", "u-1"}}));
  EXPECT_EQ(pod["startTime"], "2027-01-15T07:00:00Z");
  EXPECT_EQ(pod["containers"][0]["name"], "main");
  EXPECT_EQ(pod["containers"][0]["cpu"]["usageCoreNanoSeconds"], 1'250'000'000);
  EXPECT_EQ(pod["containers"][0]["memory"]["usageBytes"], 70);
  EXPECT_EQ(pod["containers"][0]["memory"]["time"], "2027-01-15T08:00:00Z");
}

TEST_F(KubeletTest, TellsWhatIsUsed) {
  make_pod("idle");  // no process: nothing to measure
  const Json summary = Json::parse(get("/stats/summary").body);
  EXPECT_GT(summary["node"]["memory"]["workingSetBytes"].get<std::int64_t>(), 0);
  EXPECT_TRUE(summary["pods"].empty());
  EXPECT_NE(get("/metrics/resource").body.find("node_cpu_usage_seconds_total"), std::string::npos);
  EXPECT_NE(get("/metrics/cadvisor").body.find("machine_cpu_cores"), std::string::npos);
  EXPECT_EQ(get("/metrics").status, 200);
}

}  // namespace
}  // namespace duet::kubelet
