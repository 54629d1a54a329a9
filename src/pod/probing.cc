#include <csignal>

#include "pod/pass.h"

// What probes say of a running container, and what becomes of an unhealthy one.
namespace duet::pod {

void PodWorker::probe(Pass& pass, const object::Container& container,
                      object::ContainerStatus& status) {
  const std::string& id = memory_[container.name].running_id;
  const auto watch = [&](ProbeKind kind, const object::Probe& probe) {
    Runtime& runtime = pass.images[container.name].ready &&
                               pass.images[container.name].ready->kind == WorkloadKind::kProgram
                           ? context_.programs
                           : context_.containers;
    ActionTarget target{pass.sandbox.address.get().value_or(""),
                        container,
                        id,
                        paths_,
                        pass.sandbox.monitor,
                        &runtime};
    Actions& actions = context_.actions;
    context_.prober.watch(
        id, kind, probe,
        [&actions, target = std::move(target), handler = probe.handler,
         timeout_ms = int64_t{1'000} * probe.timeout_seconds] {
          return actions.run(handler, target, timeout_ms);
        },
        [wake = context_.wake, key = key_] { wake(key); });
    return context_.prober.result(id, kind);
  };
  status.started = true;
  if (container.startup_probe) {
    const ProbeResult startup = watch(ProbeKind::kStartup, *container.startup_probe);
    status.started = startup == ProbeResult::kSuccess;
    if (startup == ProbeResult::kFailure) {
      kill_unhealthy(pass, container, ProbeKind::kStartup);
    }
  }
  status.ready = status.started;
  if (status.started && container.liveness_probe &&
      watch(ProbeKind::kLiveness, *container.liveness_probe) == ProbeResult::kFailure) {
    kill_unhealthy(pass, container, ProbeKind::kLiveness);
  }
  if (status.started && container.readiness_probe) {
    const ProbeResult readiness = watch(ProbeKind::kReadiness, *container.readiness_probe);
    status.ready = readiness == ProbeResult::kSuccess;
    if (readiness == ProbeResult::kFailure) {
      event("Warning", "Unhealthy",
            "Readiness probe failed: " + context_.prober.message(id, ProbeKind::kReadiness));
    }
  }
}

void PodWorker::kill_unhealthy(Pass& pass, const object::Container& container, ProbeKind kind) {
  auto& memory = memory_[container.name];
  if (!memory.kill_at_ms) {
    memory.kill_at_ms = pass.now_ms + pass.pod.spec.termination_grace_period_seconds * 1000;
    event("Warning", "Unhealthy",
          std::string(kind == ProbeKind::kStartup ? "Startup" : "Liveness") +
              " probe failed: " + context_.prober.message(memory.running_id, kind));
    event("Normal", "Killing",
          "Container " + container.name + " failed its probe, will be restarted");
    (void)pass.sandbox.monitor->send_signal(memory.running_id, SIGTERM);
  } else if (pass.now_ms >= *memory.kill_at_ms) {
    (void)pass.sandbox.monitor->send_signal(memory.running_id, SIGKILL);
  }
  pass.look_again_in(*memory.kill_at_ms - pass.now_ms);
}

}  // namespace duet::pod
