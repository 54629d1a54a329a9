#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "object/kinds.h"
#include "sys/clock.h"
#include "workload/pod_view.h"

// What a Deployment should do next, as a pure function of what is.
namespace duet::workload {

// maxSurge or maxUnavailable for `replicas`: a number, or a percentage that is rounded up or down.
// What cannot be read counts as 25%.
enum class Rounding { kUp, kDown };
int resolve_count(const std::string& number_or_percent, int replicas, Rounding rounding);

// How many pods there are. Pods that are being deleted or have ended do not count.
struct Counts {
  int replicas = 0;
  int updated = 0;
  int ready = 0;
  int available = 0;
  bool operator==(const Counts&) const = default;
};

struct Plan {
  // Pods to make: from the Deployment's template, or like the pod `copy_of` when it is paused.
  int create = 0;
  std::optional<size_t> copy_of;
  std::vector<size_t> remove;  // indices of the pods given
  int live_removed = 0;        // of these
  Counts counts;               // as it is now, before the plan is carried out
  bool old_left = false;       // pods of another template live
  // When to look again though nothing happens.
  std::optional<int64_t> after_ms;
};

// `pods` are the Deployment's own; `hash` is its template's.
Plan plan_rollout(const object::Deployment& deployment, const std::string& hash,
                  const std::vector<PodView>& pods, sys::WallTime now);

}  // namespace duet::workload
