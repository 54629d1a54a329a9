#include "pod/container_status.h"

#include <algorithm>
#include <chrono>

#include "sys/clock.h"

namespace duet::pod {

namespace {

using State = object::ContainerState;

std::string time_text(int64_t since_1970_ns) {
  return sys::format_rfc3339(sys::WallTime(std::chrono::duration_cast<sys::WallTime::duration>(
      std::chrono::nanoseconds(since_1970_ns))));
}

bool wants_restart(const std::string& policy, int exit_code) {
  return policy == "Always" || (policy == "OnFailure" && exit_code != 0);
}

State waiting(const ImageWait& wait) {
  return {.type = State::Type::kWaiting, .reason = wait.reason, .message = wait.message};
}

// What ended last, if anything did, with when (ms since 1970; 0: not known).
struct LastEnd {
  State state;
  int64_t finished_ms = 0;
  int64_t lived_ms = 0;
};

std::optional<LastEnd> last_end(const ContainerView& view) {
  if (view.child) {
    if (view.child->phase != monitor::ChildPhase::kExited) {
      return std::nullopt;
    }
    return LastEnd{terminated_state(*view.child), view.child->finished_ns / 1'000'000,
                   (view.child->finished_ns - view.child->started_ns) / 1'000'000};
  }
  if (view.previous == nullptr) {
    return std::nullopt;
  }
  switch (view.previous->state.type) {
    case State::Type::kRunning:
      return LastEnd{lost_state(view.previous->state)};
    case State::Type::kTerminated:
      return LastEnd{view.previous->state};
    case State::Type::kWaiting:
      break;
  }
  if (view.previous->last_state) {
    return LastEnd{*view.previous->last_state};
  }
  return std::nullopt;
}

// What containerd says of a container whose program the OCI runtime could not start.
State refused_state(const ContainerView& view) {
  constexpr int kStartErrorCode = 128;
  return {.type = State::Type::kTerminated,
          .reason = "StartError",
          .message = view.start_error->message,
          .exit_code = kStartErrorCode,
          .started_at = time_text(0),
          .finished_at = time_text(view.now_ms * 1'000'000)};
}

// The next start: as soon as the image is there and nothing forbids it.
void consider_start(const ContainerView& view, int attempt, ContainerDecision& decision) {
  decision.attempt = attempt;
  decision.status.restart_count = attempt;
  if (view.start_error && view.start_refused && view.restart_policy == "Never") {
    decision.status.state = refused_state(view);
    decision.done = true;
    return;
  }
  if (view.start_error && view.now_ms < view.start_retry_at_ms) {
    decision.status.state = waiting(*view.start_error);
    decision.look_again_ms = view.start_retry_at_ms - view.now_ms;
    return;
  }
  if (!view.image.ready) {
    decision.status.state = waiting(view.image.wait);
    return;
  }
  decision.status.state = waiting({"ContainerCreating", ""});
  decision.start = true;
}

// The start after `attempt`, which is counted when it happens and not while it is waited for.
void consider_further_start(const ContainerView& view, int attempt, ContainerDecision& decision) {
  consider_start(view, attempt + 1, decision);
  if (!decision.start) {
    decision.status.restart_count = attempt;
  }
}

void consider_restart(const ContainerView& view, const LastEnd& end, int attempt,
                      ContainerDecision& decision) {
  const int step = end.lived_ms >= view.backoff.reset_after_ms ? 0 : view.backoff_step;
  const int64_t due_ms = end.finished_ms + view.backoff.delay_ms(step);
  decision.status.last_state = end.state;
  if (view.now_ms < due_ms) {
    const int64_t delay_s = view.backoff.delay_ms(step) / 1000;
    decision.attempt = attempt;
    decision.status.restart_count = attempt;
    decision.status.state =
        waiting({"CrashLoopBackOff", "back-off " + std::to_string(delay_s) +
                                         "s restarting failed container=" + view.container->name});
    decision.look_again_ms = due_ms - view.now_ms;
    return;
  }
  consider_further_start(view, attempt, decision);
}

}  // namespace

int64_t CrashBackoff::delay_ms(int step) const {
  if (step <= 0) {
    return 0;
  }
  return std::min(limit_ms, first_ms << std::min(step - 1, 16));
}

object::ContainerState lost_state(const object::ContainerState& before) {
  return {.type = State::Type::kTerminated,
          .reason = "ContainerStatusUnknown",
          .message = "The container could not be located when the node looked for it",
          .exit_code = 137,
          .started_at = before.started_at,
          .container_id = before.container_id};
}

object::ContainerState terminated_state(const monitor::ChildState& child) {
  State state{.type = State::Type::kTerminated,
              .reason = child.exit_code == 0 ? "Completed" : "Error",
              .exit_code = child.exit_code,
              .signal = child.signal,
              .started_at = time_text(child.started_ns),
              .finished_at = time_text(child.finished_ns),
              .container_id = "duet://" + child.id};
  if (child.oom_killed) {
    state.reason = "OOMKilled";
  }
  return state;
}

object::ContainerStatus initializing_status(const object::Container& container,
                                            const object::ContainerStatus* previous) {
  object::ContainerStatus status;
  if (previous != nullptr) {
    status = *previous;
    if (previous->state.type == State::Type::kRunning) {
      status.last_state = lost_state(previous->state);
    } else if (previous->state.type == State::Type::kTerminated) {
      status.last_state = previous->state;
    }
  }
  status.name = container.name;
  status.image = container.image;
  status.state = waiting({"PodInitializing", ""});
  status.ready = status.started = false;
  return status;
}

ContainerDecision decide(const ContainerView& view) {
  ContainerDecision decision;
  auto& status = decision.status;
  status.name = view.container->name;
  status.image = view.container->image;
  if (view.image.ready) {
    status.image_id = view.image.ready->image.manifest_digest;
  } else if (view.previous != nullptr) {
    status.image_id = view.previous->image_id;
  }
  int attempt = view.attempt;
  if (!view.child && view.previous != nullptr) {
    attempt = view.previous->restart_count;
  }
  if (view.previous != nullptr) {
    status.last_state = view.previous->last_state;
  }
  if (view.child && view.child->phase == monitor::ChildPhase::kStarting) {
    // By the agent before us; the monitor tells how it ends.
    status.state = waiting({"ContainerCreating", ""});
    status.restart_count = std::max(0, attempt);
    if (view.previous != nullptr && view.previous->state.type == State::Type::kTerminated) {
      status.last_state = view.previous->state;
    }
    return decision;
  }
  if (view.child && view.child->phase != monitor::ChildPhase::kExited) {
    status.state = {.type = State::Type::kRunning, .started_at = time_text(view.child->started_ns)};
    status.container_id = "duet://" + view.child->id;
    status.restart_count = attempt;
    if (view.previous != nullptr && view.previous->container_id == status.container_id &&
        !view.previous->image_id.empty()) {
      status.image_id = view.previous->image_id;  // the name may have moved since it was started
    }
    if (view.previous != nullptr && view.previous->state.type == State::Type::kTerminated) {
      status.last_state = view.previous->state;
    }
    return decision;
  }
  const auto end = last_end(view);
  if (!end) {
    consider_start(view, std::max(0, attempt), decision);
    return decision;
  }
  status.container_id = end->state.container_id;
  if (view.sandbox_lost) {
    status.last_state = end->state;
    consider_further_start(view, attempt, decision);
    return decision;
  }
  if (!wants_restart(view.restart_policy, end->state.exit_code)) {
    status.state = end->state;
    status.restart_count = attempt;
    decision.attempt = attempt;
    decision.done = true;
    return decision;
  }
  consider_restart(view, *end, attempt, decision);
  return decision;
}

}  // namespace duet::pod
