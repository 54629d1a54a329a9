#pragma once

#include <optional>
#include <string>
#include <vector>

#include "object/kinds.h"
#include "object/object.h"
#include "sys/clock.h"

namespace duet::workload {

inline constexpr const char* kTemplateHashLabel = "pod-template-hash";

// What a workload needs to know of one of its Pods.
struct PodView {
  object::Object object;
  std::string owner_uid;
  std::string template_hash;
  std::string created;  // RFC 3339
  bool deleting = false;
  bool ended = false;  // phase Succeeded or Failed: it will never run again
  bool ready = false;
  sys::WallTime ready_since;  // when it is ready

  // It runs, or is about to.
  bool live() const { return !deleting && !ended; }
};

// A Pod that cannot be decoded counts as live and not ready.
PodView view_pod(object::Object pod);

// The view of `pod` if its controller is the Deployment `name`, of whatever uid.
std::optional<PodView> view_pod_of(object::Object pod, const std::string& deployment_name);

// How long, in ms, until a ready pod counts as available; 0: it does. Nothing: it is not ready.
std::optional<int64_t> available_in_ms(const PodView& pod, int min_ready_seconds,
                                       sys::WallTime now);

}  // namespace duet::workload
