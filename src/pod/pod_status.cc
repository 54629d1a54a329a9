#include "pod/pod_status.h"

#include <algorithm>

namespace duet::pod {

namespace {

using State = object::ContainerState;

std::string phase_of(const object::PodStatus& status, const PodProgress& progress) {
  if (progress.init_failed || progress.deadline_exceeded) {
    return "Failed";
  }
  if (!progress.init_done) {
    return "Pending";
  }
  if (progress.containers_done) {
    const bool all_well =
        std::all_of(status.container_statuses.begin(), status.container_statuses.end(),
                    [](const auto& one) { return one.state.exit_code == 0; });
    return all_well ? "Succeeded" : "Failed";
  }
  const bool any_began = std::any_of(
      status.container_statuses.begin(), status.container_statuses.end(), [](const auto& one) {
        return one.state.type != State::Type::kWaiting || one.last_state.has_value();
      });
  const bool any_never_began = std::any_of(
      status.container_statuses.begin(), status.container_statuses.end(), [](const auto& one) {
        return one.state.type == State::Type::kWaiting && !one.last_state.has_value();
      });
  return any_began && !any_never_began ? "Running" : "Pending";
}

void set_condition(const object::PodStatus& previous, const std::string& now, bool holds,
                   object::PodCondition condition, object::PodStatus& status) {
  condition.status = holds ? "True" : "False";
  if (holds) {
    condition.reason.clear();
    condition.message.clear();
  }
  const auto before = std::find_if(previous.conditions.begin(), previous.conditions.end(),
                                   [&](const auto& one) { return one.type == condition.type; });
  const bool same = before != previous.conditions.end() && before->status == condition.status;
  condition.last_transition_time = same ? before->last_transition_time : now;
  status.conditions.push_back(std::move(condition));
}

std::string names_not_ready(const std::vector<object::ContainerStatus>& statuses) {
  std::string names;
  for (const auto& one : statuses) {
    if (!one.ready) {
      names += (names.empty() ? "" : " ") + one.name;
    }
  }
  return names;
}

}  // namespace

void complete_pod_status(const object::Pod& pod, const PodProgress& progress,
                         const std::string& now, object::PodStatus& status) {
  status.phase = phase_of(status, progress);
  status.start_time = pod.status.start_time.empty() ? now : pod.status.start_time;
  if (progress.deadline_exceeded) {
    status.reason = "DeadlineExceeded";
    status.message = "Pod was active on the node longer than the specified deadline";
  }
  const bool over = status.phase == "Succeeded" || status.phase == "Failed";
  const std::string unready = names_not_ready(status.container_statuses);
  const bool ready = !over && progress.init_done && unready.empty();
  object::PodCondition not_ready{.reason = "ContainersNotReady",
                                 .message = "containers with unready status: [" + unready + "]"};
  if (over) {
    not_ready = {.reason = status.phase == "Succeeded" ? "PodCompleted" : "PodFailed"};
  }
  status.conditions.clear();
  const auto add = [&](const char* type, bool holds, object::PodCondition condition) {
    condition.type = type;
    set_condition(pod.status, now, holds, std::move(condition), status);
  };
  add("PodScheduled", true, {});
  add("Initialized", progress.init_done, {.reason = "ContainersNotInitialized"});
  add("ContainersReady", ready, not_ready);
  add("Ready", ready, not_ready);
}

}  // namespace duet::pod
