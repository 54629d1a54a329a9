#pragma once

#include <string>

#include "cli/json_text.h"
#include "sys/clock.h"

namespace duet::cli {

// What one line says of a Pod, reckoned as kubectl's printer does.
struct PodSummary {
  std::string ready;     // 1/2
  std::string status;    // Running, CrashLoopBackOff, Init:0/1, Terminating, Completed, ...
  std::string restarts;  // 3 (5m ago)
  bool operator==(const PodSummary&) const = default;
};

PodSummary summarize_pod(const Json& pod, sys::WallTime now);

}  // namespace duet::cli
