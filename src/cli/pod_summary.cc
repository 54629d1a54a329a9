#include "cli/pod_summary.h"

#include <algorithm>
#include <optional>

#include "cli/duration.h"

namespace duet::cli {
namespace {

// What the walk over a pod's containers found.
struct Findings {
  std::string reason;
  int64_t restarts = 0;
  std::string last_restart;  // RFC 3339; empty: none
  size_t ready = 0;
  bool has_running = false;
};

void count_restarts(const Json& status, Findings& found) {
  found.restarts += number_at(status, "/restartCount");
  // RFC 3339 in UTC sorts as text.
  found.last_restart =
      std::max(found.last_restart, text_at(status, "/lastState/terminated/finishedAt"));
}

// "Error", "Signal:9" or "ExitCode:3" for a terminated state.
std::string terminated_reason(const Json& terminated) {
  std::string reason = text_at(terminated, "/reason");
  if (!reason.empty()) {
    return reason;
  }
  const int64_t signal = number_at(terminated, "/signal");
  return signal != 0 ? "Signal:" + std::to_string(signal)
                     : "ExitCode:" + std::to_string(number_at(terminated, "/exitCode"));
}

// Empty: this init container is done.
std::string init_reason(const Json& status, size_t index, size_t total) {
  const Json& terminated = at(status, "/state/terminated");
  if (terminated.is_object() && number_at(terminated, "/exitCode") == 0) {
    return "";
  }
  if (terminated.is_object()) {
    return "Init:" + terminated_reason(terminated);
  }
  const std::string waiting = text_at(status, "/state/waiting/reason");
  if (!waiting.empty() && waiting != "PodInitializing") {
    return "Init:" + waiting;
  }
  return "Init:" + std::to_string(index) + "/" + std::to_string(total);
}

// Whether the pod is still initializing; then found.reason says how.
bool walk_init(const Json& pod, Findings& found) {
  const Json& statuses = at(pod, "/status/initContainerStatuses");
  const size_t total = size_at(pod, "/spec/initContainers");
  if (!statuses.is_array()) {
    return false;
  }
  size_t index = 0;
  for (const Json& status : statuses) {
    count_restarts(status, found);
    const std::string reason = init_reason(status, index++, total);
    if (!reason.empty()) {
      found.reason = reason;
      return true;
    }
  }
  return false;
}

void walk_containers(const Json& pod, Findings& found) {
  found.restarts = 0;
  found.last_restart.clear();
  const Json& statuses = at(pod, "/status/containerStatuses");
  if (!statuses.is_array()) {
    return;
  }
  // From the last to the first, so that the first one's word stands.
  for (auto it = statuses.rbegin(); it != statuses.rend(); ++it) {
    count_restarts(*it, found);
    const std::string waiting = text_at(*it, "/state/waiting/reason");
    const Json& terminated = at(*it, "/state/terminated");
    if (!waiting.empty()) {
      found.reason = waiting;
    } else if (terminated.is_object()) {
      found.reason = terminated_reason(terminated);
    } else if (at(*it, "/state/running").is_object() && flag_at(*it, "/ready")) {
      found.has_running = true;
      ++found.ready;
    }
  }
  // Some containers have done their work, others go on.
  if (found.reason == "Completed" && found.has_running) {
    found.reason = "Running";
    for (const Json& condition : at(pod, "/status/conditions")) {
      if (text_at(condition, "/type") == "Ready" && text_at(condition, "/status") != "True") {
        found.reason = "NotReady";
      }
    }
  }
}

}  // namespace

PodSummary summarize_pod(const Json& pod, sys::WallTime now) {
  Findings found;
  found.reason = text_at(pod, "/status/reason");
  if (found.reason.empty()) {
    found.reason = text_at(pod, "/status/phase");
  }
  if (!walk_init(pod, found)) {
    walk_containers(pod, found);
  }
  if (!text_at(pod, "/metadata/deletionTimestamp").empty()) {
    found.reason = "Terminating";
  }
  PodSummary out;
  out.ready = std::to_string(found.ready) + "/" + std::to_string(size_at(pod, "/spec/containers"));
  out.status = found.reason.empty() ? "Pending" : found.reason;
  out.restarts = std::to_string(found.restarts);
  if (found.restarts > 0 && !found.last_restart.empty()) {
    out.restarts += " (" + age_of(found.last_restart, now) + " ago)";
  }
  return out;
}

}  // namespace duet::cli
