#pragma once

#include <string>

#include "object/pod.h"

namespace duet::pod {

// Whether the pod's containers are all through, will be started, or run.
struct PodProgress {
  bool init_done = true;           // all init containers have completed
  bool init_failed = false;        // one failed and will not be started again
  bool containers_done = false;    // every container ended for good
  bool deadline_exceeded = false;  // activeDeadlineSeconds passed
};

// Fills phase, conditions and (from `previous`) the times of what did not change. `status` holds
// the container statuses with their `ready`. By the rules of the kubelet (Kubernetes: Pod
// Lifecycle). Pure.
void complete_pod_status(const object::Pod& pod, const PodProgress& progress,
                         const std::string& now, object::PodStatus& status);

}  // namespace duet::pod
