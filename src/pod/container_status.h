#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "monitor/protocol.h"
#include "object/pod.h"
#include "pod/images.h"

// What to do with one container, from what is known of it. Pure functions: the loop that calls them
// may run at any time and as often as it likes.
namespace duet::pod {

// Kubernetes' crash back-off: at once after the first end, then 10 s, doubling to 5 min; a start
// that lived for 10 min begins anew.
struct CrashBackoff {
  int64_t first_ms = 10'000;
  int64_t limit_ms = 300'000;
  int64_t reset_after_ms = 600'000;

  // How long to wait after an end when `step` restarts came before without a long life between.
  int64_t delay_ms(int step) const;
};

// Everything that decides.
struct ContainerView {
  const object::Container* container = nullptr;
  const object::ContainerStatus* previous = nullptr;  // as stored; null: none yet
  std::optional<monitor::ChildState> child;  // of the last start; none: the monitor knows none
  int attempt = -1;                          // of `child`
  std::string restart_policy;                // as it holds for this container
  int backoff_step = 0;
  ImageState image;
  std::optional<ImageWait> start_error;  // the last start failed with this
  bool start_refused = false;            // by the OCI runtime, so that it counts as an end
  // An init container that ended in a sandbox which is no more: what it did there is lost too.
  bool sandbox_lost = false;
  int64_t start_retry_at_ms = 0;  // when it may be tried again
  int64_t now_ms = 0;             // since 1970
  CrashBackoff backoff;
};

struct ContainerDecision {
  object::ContainerStatus status;  // without `ready` and `started`
  bool start = false;              // start it now, as `attempt`
  int attempt = 0;
  bool done = false;                     // ended, and will not be started again
  std::optional<int64_t> look_again_ms;  // something is due after this time
  bool running() const { return status.state.type == object::ContainerState::Type::kRunning; }
};

ContainerDecision decide(const ContainerView& view);

// What is told of a container that waits for the pod's init containers; `previous` as stored, null:
// none yet. What is known of its earlier starts stays known.
object::ContainerStatus initializing_status(const object::Container& container,
                                            const object::ContainerStatus* previous);

// What the kubelet would say of an ended child.
object::ContainerState terminated_state(const monitor::ChildState& child);

// What it would say of a start that it knows of and nobody watches any more: it went with a reboot,
// or its monitor was killed.
object::ContainerState lost_state(const object::ContainerState& before);

}  // namespace duet::pod
