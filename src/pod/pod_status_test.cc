#include "pod/pod_status.h"

#include <gtest/gtest.h>

namespace duet::pod {
namespace {

using State = object::ContainerState;

object::ContainerStatus container(State state, bool ready = false) {
  object::ContainerStatus status;
  status.name = "c";
  status.state = std::move(state);
  status.ready = ready;
  return status;
}

const State kWaiting{.type = State::Type::kWaiting};
const State kRunning{.type = State::Type::kRunning};

State ended(int code) { return {.type = State::Type::kTerminated, .exit_code = code}; }

std::string condition(const object::PodStatus& status, const std::string& type) {
  for (const auto& one : status.conditions) {
    if (one.type == type) {
      return one.status;
    }
  }
  return "missing";
}

TEST(PodStatus, PhasesFollowTheContainers) {
  struct Case {
    std::vector<object::ContainerStatus> containers;
    PodProgress progress;
    std::string phase;
  };
  const std::vector<Case> cases = {
      {{container(kWaiting)}, {}, "Pending"},
      {{container(kRunning), container(kWaiting)}, {}, "Pending"},
      {{container(kRunning), container(ended(0))}, {}, "Running"},
      {{container(ended(0))}, {.containers_done = true}, "Succeeded"},
      {{container(ended(0)), container(ended(1))}, {.containers_done = true}, "Failed"},
      {{container(kWaiting)}, {.init_done = false}, "Pending"},
      {{container(kWaiting)}, {.init_done = false, .init_failed = true}, "Failed"},
      {{container(kRunning)}, {.deadline_exceeded = true}, "Failed"},
  };
  for (const auto& one : cases) {
    object::PodStatus status;
    status.container_statuses = one.containers;
    complete_pod_status({}, one.progress, "now", status);
    EXPECT_EQ(status.phase, one.phase);
  }
}

TEST(PodStatus, AContainerInBackOffKeepsThePodRunning) {
  auto crashed = container({.type = State::Type::kWaiting, .reason = "CrashLoopBackOff"});
  crashed.last_state = ended(1);
  object::PodStatus status;
  status.container_statuses = {crashed};
  complete_pod_status({}, {}, "now", status);
  EXPECT_EQ(status.phase, "Running");
  EXPECT_EQ(condition(status, "Ready"), "False");
}

TEST(PodStatus, TransitionTimesChangeOnlyWithTheirCondition) {
  object::Pod pod;
  object::PodStatus first;
  first.container_statuses = {container(kRunning, true)};
  complete_pod_status(pod, {}, "one", first);
  EXPECT_EQ(condition(first, "Ready"), "True");
  pod.status = first;
  object::PodStatus second;
  second.container_statuses = {container(kRunning, true)};
  complete_pod_status(pod, {}, "two", second);
  EXPECT_EQ(second, first);
  object::PodStatus third;
  third.container_statuses = {container(kRunning, false)};
  complete_pod_status(pod, {}, "three", third);
  EXPECT_EQ(condition(third, "Ready"), "False");
  EXPECT_EQ(third.conditions.back().last_transition_time, "three");
  EXPECT_EQ(third.conditions.front().last_transition_time, "one");
  EXPECT_EQ(third.start_time, "one");
}

}  // namespace
}  // namespace duet::pod
