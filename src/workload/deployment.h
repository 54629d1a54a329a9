#pragma once

#include <memory>

#include "store/controller.h"
#include "store/store.h"
#include "sys/clock.h"
#include "sys/randomness.h"

namespace duet::workload {

// Keeps the Pods of every Deployment as many and as new as it says, and its status true. Pods whose
// Deployment is gone are deleted. All arguments must outlive the controller; `log` gets one line
// for each failure. docs/decisions/workloads.md says where it differs from Kubernetes.
std::unique_ptr<store::Controller> start_deployments(store::Store& store, const sys::Clock& clock,
                                                     sys::Random& random,
                                                     store::Controller::Log log);

}  // namespace duet::workload
