#pragma once

#include <string>
#include <vector>

#include "api/context.h"
#include "base/result.h"
#include "kubelet/node_view.h"
#include "pod/pods.h"
#include "sys/clock.h"
#include "sys/machine.h"

namespace duet::kubelet {

// What one pod has used so far.
struct PodStats {
  std::string ns;
  std::string name;  // in the cluster
  std::string uid;
  std::string start_time;  // RFC 3339; empty: not known
  sys::CgroupUsage whole;
  struct Container {
    std::string name;
    std::string start_time;  // RFC 3339; empty: not known
    sys::CgroupUsage usage;
  };
  std::vector<Container> containers;
};

struct NodeStats {
  sys::WallTime time;  // when this was measured
  sys::Machine machine;
  sys::MachineUse use;
  std::vector<PodStats> pods;  // that run
  // What the kernel cannot give back, as far as it says.
  std::int64_t working_set_bytes() const {
    return machine.memory_bytes - use.memory_available_bytes;
  }
};

// Measures everything now: the machine, and the pods of `node`. A pod that cannot be measured is
// left out: it does not run, or has no cgroups.
Result<NodeStats> measure(const api::Context& context, const NodeView& node);

// GET /stats/summary, as of k8s.io/kubelet/pkg/apis/stats/v1alpha1, without what is not measured.
std::string stats_summary(const NodeStats& stats, const NodeView& node);

// GET /metrics/resource: what metrics-server reads.
std::string resource_metrics(const NodeStats& stats);

// GET /metrics/cadvisor: the part of cAdvisor's families that dashboards of clusters use.
std::string cadvisor_metrics(const NodeStats& stats);

}  // namespace duet::kubelet
