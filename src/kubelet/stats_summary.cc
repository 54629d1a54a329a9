#include <nlohmann/json.hpp>

#include "kubelet/stats.h"

namespace duet::kubelet {
namespace {

using Json = nlohmann::json;

Json cpu_of(std::int64_t used_ns, const std::string& time) {
  return {{"time", time}, {"usageCoreNanoSeconds", used_ns}};
}

Json memory_of(const sys::CgroupUsage& usage, const std::string& time) {
  return {{"time", time},
          {"usageBytes", usage.memory_bytes},
          {"workingSetBytes", usage.memory_working_set_bytes}};
}

void add_start(Json& into, const std::string& start_time) {
  if (!start_time.empty()) {
    into["startTime"] = start_time;
  }
}

Json summary_of(const PodStats& pod, const std::string& time) {
  Json containers = Json::array();
  for (const auto& one : pod.containers) {
    Json container = {{"name", one.name},
                      {"cpu", cpu_of(one.usage.cpu_ns, time)},
                      {"memory", memory_of(one.usage, time)}};
    add_start(container, one.start_time);
    containers.push_back(std::move(container));
  }
  Json out = {{"podRef", {{"name", pod.name}, {"namespace", pod.ns}, {"uid", pod.uid}}},
              {"containers", std::move(containers)},
              {"cpu", cpu_of(pod.whole.cpu_ns, time)},
              {"memory", memory_of(pod.whole, time)}};
  add_start(out, pod.start_time);
  return out;
}

Json summary_of(const NodeStats& stats, const NodeView& node, const std::string& time) {
  return {
      {"nodeName", node.name},
      {"startTime", sys::format_rfc3339(sys::WallTime(std::chrono::seconds(stats.machine.boot_s)))},
      {"cpu", cpu_of(stats.use.cpu_ns, time)},
      {"memory",
       {{"time", time},
        {"availableBytes", stats.use.memory_available_bytes},
        {"usageBytes", stats.working_set_bytes()},
        {"workingSetBytes", stats.working_set_bytes()}}},
      {"fs",
       {{"time", time},
        {"availableBytes", stats.use.storage_available_bytes},
        {"capacityBytes", stats.use.storage_bytes},
        {"usedBytes", stats.use.storage_bytes - stats.use.storage_available_bytes},
        {"inodesFree", stats.use.inodes_available},
        {"inodes", stats.use.inodes},
        {"inodesUsed", stats.use.inodes - stats.use.inodes_available}}}};
}

}  // namespace

std::string stats_summary(const NodeStats& stats, const NodeView& node) {
  const std::string time = sys::format_rfc3339(stats.time);
  Json pods = Json::array();
  for (const PodStats& pod : stats.pods) {
    pods.push_back(summary_of(pod, time));
  }
  return Json{{"node", summary_of(stats, node, time)}, {"pods", std::move(pods)}}.dump(
      -1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace duet::kubelet
