#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "object/kinds.h"
#include "sys/clock.h"
#include "workload/rollout.h"

namespace duet::workload {

struct DeploymentStatus {
  std::string json;  // apps/v1 DeploymentStatus
  // When the progress deadline passes, if nothing happens before.
  std::optional<int64_t> after_ms;
};

// The status that follows from `counts` and the status so far. Pure. The conditions are those of
// Kubernetes, with its reasons, which tools read (ProgressDeadlineExceeded, ...).
DeploymentStatus next_status(const object::Deployment& deployment, const std::string& stored_json,
                             const Counts& counts, bool old_left, sys::WallTime now);

}  // namespace duet::workload
