#include "kubelet/stats.h"
#include "observe/exposition.h"
#include "sys/rfc3339.h"

namespace duet::kubelet {
namespace {

using observe::Exposition;
using observe::Labels;

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kWhole = 1;

struct Family {
  const char* name;
  const char* type;
  const char* help;
  std::int64_t unit;  // that the value is divided by
  std::int64_t (*value)(const sys::CgroupUsage& usage);
};

std::int64_t cpu(const sys::CgroupUsage& usage) { return usage.cpu_ns; }
std::int64_t memory(const sys::CgroupUsage& usage) { return usage.memory_bytes; }
std::int64_t working_set(const sys::CgroupUsage& usage) { return usage.memory_working_set_bytes; }

void write_containers(Exposition& out, const Family& family, const NodeStats& stats) {
  out.family(family.name, family.type, family.help);
  for (const PodStats& pod : stats.pods) {
    for (const auto& one : pod.containers) {
      out.sample({{"container", one.name}, {"namespace", pod.ns}, {"pod", pod.name}},
                 family.value(one.usage), family.unit);
    }
  }
}

void write_pods(Exposition& out, const Family& family, const NodeStats& stats) {
  out.family(family.name, family.type, family.help);
  for (const PodStats& pod : stats.pods) {
    out.sample({{"namespace", pod.ns}, {"pod", pod.name}}, family.value(pod.whole), family.unit);
  }
}

void write_start_times(Exposition& out, const NodeStats& stats) {
  out.family("container_start_time_seconds", "gauge",
             "Start time of the container since unix epoch in seconds");
  for (const PodStats& pod : stats.pods) {
    for (const auto& one : pod.containers) {
      if (const auto time = sys::parse_rfc3339(one.start_time)) {
        out.sample({{"container", one.name}, {"namespace", pod.ns}, {"pod", pod.name}},
                   std::chrono::nanoseconds(time->time_since_epoch()).count(), kSecondNs);
      }
    }
  }
}

void write_value(Exposition& out, const char* name, const char* type, const char* help,
                 std::int64_t value, std::int64_t unit = kWhole) {
  out.family(name, type, help);
  out.sample({}, value, unit);
}

// cAdvisor tells containers and, with an empty name, their pods in one family.
void write_both(Exposition& out, const Family& family, const NodeStats& stats) {
  write_containers(out, family, stats);
  for (const PodStats& pod : stats.pods) {
    out.sample({{"container", ""}, {"namespace", pod.ns}, {"pod", pod.name}},
               family.value(pod.whole), family.unit);
  }
}

}  // namespace

std::string resource_metrics(const NodeStats& stats) {
  Exposition out;
  write_containers(
      out,
      {"container_cpu_usage_seconds_total", "counter",
       "Cumulative cpu time consumed by the container in core-seconds", kSecondNs, cpu},
      stats);
  write_containers(out,
                   {"container_memory_working_set_bytes", "gauge",
                    "Current working set of the container in bytes", kWhole, working_set},
                   stats);
  write_start_times(out, stats);
  write_value(out, "node_cpu_usage_seconds_total", "counter",
              "Cumulative cpu time consumed by the node in core-seconds", stats.use.cpu_ns,
              kSecondNs);
  write_value(out, "node_memory_working_set_bytes", "gauge",
              "Current working set of the node in bytes", stats.working_set_bytes());
  write_pods(out,
             {"pod_cpu_usage_seconds_total", "counter",
              "Cumulative cpu time consumed by the pod in core-seconds", kSecondNs, cpu},
             stats);
  write_pods(out,
             {"pod_memory_working_set_bytes", "gauge", "Current working set of the pod in bytes",
              kWhole, working_set},
             stats);
  for (const char* name : {"resource_scrape_error", "scrape_error"}) {
    write_value(out, name, "gauge",
                "1 if there was an error while getting container metrics, 0 otherwise", 0);
  }
  return out.take();
}

std::string cadvisor_metrics(const NodeStats& stats) {
  Exposition out;
  write_both(out,
             {"container_cpu_usage_seconds_total", "counter",
              "Cumulative cpu time consumed in seconds.", kSecondNs, cpu},
             stats);
  write_both(
      out,
      {"container_memory_usage_bytes", "gauge",
       "Current memory usage in bytes, including all memory regardless of when it was accessed",
       kWhole, memory},
      stats);
  write_both(out,
             {"container_memory_working_set_bytes", "gauge", "Current working set in bytes.",
              kWhole, working_set},
             stats);
  write_both(out,
             {"container_oom_events_total", "counter",
              "Count of out of memory events observed for the container", kWhole,
              [](const sys::CgroupUsage& usage) { return usage.oom_kills; }},
             stats);
  write_start_times(out, stats);
  write_value(out, "machine_cpu_cores", "gauge", "Number of logical CPU cores.",
              stats.machine.cpus);
  write_value(out, "machine_memory_bytes", "gauge", "Amount of memory installed on the machine.",
              stats.machine.memory_bytes);
  return out.take();
}

}  // namespace duet::kubelet
