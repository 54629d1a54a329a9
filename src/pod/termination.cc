#include <algorithm>
#include <chrono>
#include <csignal>

#include "object/codec.h"
#include "pod/pass.h"
#include "pod/worker.h"
#include "sys/file.h"
#include "sys/namespace.h"
#include "sys/replace_file.h"
#include "sys/tcp_sockets.h"

// How a pod ends: handlers first, then SIGTERM, then what the grace period leaves, then everything
// it used.
namespace duet::pod {

namespace {

using Next = store::Controller::Next;

constexpr int64_t kHandlersCheckMs = 20;  // between two looks at who still asks handlers

// Signal numbers of an image's STOPSIGNAL; 0: not one we know.
int signal_number(const std::string& name) {
  static const std::map<std::string, int> kSignals = {
      {"HUP", SIGHUP},   {"INT", SIGINT},   {"QUIT", SIGQUIT}, {"KILL", SIGKILL},
      {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"TERM", SIGTERM}, {"WINCH", SIGWINCH},
      {"ABRT", SIGABRT}, {"PWR", SIGPWR},   {"RTMIN+3", 37},
  };
  const auto found = kSignals.find(name.starts_with("SIG") ? name.substr(3) : name);
  if (found != kSignals.end()) {
    return found->second;
  }
  const int number = std::atoi(name.c_str());
  return number > 0 && number <= SIGRTMAX ? number : 0;
}

std::string pre_stop_name(const std::string& id) { return id + " preStop"; }

}  // namespace

Result<Next> PodWorker::stop_children(const object::Pod& pod, int64_t grace_seconds,
                                      bool& stopped) {
  context_.handlers.remove(uid_);
  const int64_t now_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(context_.clock.now().time_since_epoch())
          .count();
  stop_at_ms_ = std::min(stop_at_ms_.value_or(INT64_MAX), now_ms + grace_seconds * 1000);
  const auto monitor = monitor::MonitorClient::connect(paths_.run());
  if (!monitor.ok()) {
    // Nobody watches: the sandbox's removal ends what may be left.
    stopped = now_ms >= *stop_at_ms_ || !handlers_are_asked();
    return stopped ? Next{} : Next{kHandlersCheckMs};
  }
  stopped = true;
  DUET_ASSIGN(const auto children, monitor->list());
  for (const auto& child : children) {
    context_.prober.forget(child.id);
    if (child.phase == monitor::ChildPhase::kExited) {
      context_.hooks.forget(pre_stop_name(child.id));
      continue;
    }
    stopped = false;
    if (now_ms >= *stop_at_ms_) {
      DUET_TRY(monitor->send_signal(child.id, SIGKILL));
    } else if (!signalled_.contains(child.id)) {
      DUET_TRY(ask_to_stop(pod, *monitor, child.id, *stop_at_ms_ - now_ms));
    }
  }
  return stopped ? Next{} : Next{std::max<int64_t>(20, *stop_at_ms_ - now_ms)};
}

// Whether the gateway still listens at the pod's address, or answers somebody there.
bool PodWorker::handlers_are_asked() const {
  const std::string path = paths_.network_namespace();
  if (!sys::network_namespace_exists(path)) {
    return false;
  }
  const auto sockets = sys::count_tcp_sockets(path);
  return !sockets.ok() || *sockets > 0;
}

// All containers at once: first a container's preStop, if it has one, then its signal.
Status PodWorker::ask_to_stop(const object::Pod& pod, const monitor::MonitorClient& monitor,
                              const std::string& id, int64_t left_ms) {
  int signal = SIGTERM;
  for (const auto& container : pod.spec.containers) {
    if (attempt_of(id, uid_, container.name) < 0) {
      continue;
    }
    if (!pre_stop_is_over(pod, container, monitor, id, left_ms)) {
      return {};
    }
    const auto image = context_.images.find(image_request(context_, pod, container));
    if (image && image->ready && !image->ready->image.config.stop_signal.empty()) {
      const int wanted = signal_number(image->ready->image.config.stop_signal);
      signal = wanted != 0 ? wanted : SIGTERM;
    }
  }
  signalled_.insert(id);
  return monitor.send_signal(id, signal);
}

bool PodWorker::pre_stop_is_over(const object::Pod& pod, const object::Container& container,
                                 const monitor::MonitorClient& monitor, const std::string& id,
                                 int64_t left_ms) {
  const std::string name = pre_stop_name(id);
  if (!context_.hooks.knows(name)) {
    event("Normal", "Killing", "Stopping container " + container.name);
  }
  if (!container.pre_stop) {
    return true;
  }
  const bool is_container = sys::file_exists(paths_.container(id));
  const ActionTarget target{pod.status.pod_ip,
                            container,
                            id,
                            paths_,
                            monitor,
                            is_container ? &context_.containers : &context_.programs};
  context_.hooks.begin(
      name,
      [&actions = context_.actions, hook = *container.pre_stop, target, left_ms] {
        return actions.run(hook, target, left_ms);
      },
      [wake = context_.wake, key = key_] { wake(key); });
  const auto ended = context_.hooks.ended(name);
  if (ended && !ended->ok()) {
    event("Warning", "FailedPreStopHook", ended->error().message());
  }
  return ended.has_value();
}

// The last status of a pod that is over: what ran when it was decided has been stopped since.
Status PodWorker::tell_ends(const object::Pod& pod) {
  const auto ends = monitor::read_exits(paths_.run());
  object::PodStatus status = pod.status;
  const auto tell = [&](object::ContainerStatus& one) {
    if (one.state.type != object::ContainerState::Type::kRunning || one.container_id.empty()) {
      return;
    }
    one.ready = one.started = false;
    const auto child = std::find_if(ends->begin(), ends->end(), [&](const auto& end) {
      return "duet://" + end.id == one.container_id;
    });
    one.state = child == ends->end() ? lost_state(one.state) : terminated_state(*child);
  };
  if (!ends.ok()) {
    return {};  // nothing of it ever ran
  }
  std::for_each(status.init_container_statuses.begin(), status.init_container_statuses.end(), tell);
  std::for_each(status.container_statuses.begin(), status.container_statuses.end(), tell);
  if (status == pod.status) {
    return {};
  }
  const auto stored = context_.store.update_status(key_, uid_, object::encode_pod_status(status));
  return stored.ok() || stored.error().code() == ErrorCode::kNotFound ? Status() : stored.error();
}

// What is there counts, not what the spec says now: it may have changed, or be forgotten.
Status PodWorker::clean_up(const object::Pod& pod) {
  const auto ids = sys::list_directory(paths_.containers());
  for (const auto& id : ids.value_or({})) {
    const std::string container = container_of(id, uid_);
    if (!container.empty()) {
      DUET_TRY(context_.containers.remove(paths_, container, id));
    }
  }
  return context_.sandboxes.remove(pod, paths_);
}

Result<Next> PodWorker::terminate(const object::Pod& pod, int64_t grace_seconds) {
  bool stopped = false;
  DUET_ASSIGN(auto next, stop_children(pod, grace_seconds, stopped));
  if (!stopped) {
    return next;
  }
  DUET_TRY(clean_up(pod));
  DUET_TRY(volumes_.remove());
  DUET_TRY(sys::remove_tree(paths_.state()));
  DUET_TRY(sys::remove_tree(paths_.logs()));
  gone_ = true;
  return Next{};
}

Result<Next> PodWorker::halt(const object::Pod& pod, int64_t grace_seconds, bool& halted) {
  DUET_ASSIGN(auto next, stop_children(pod, grace_seconds, halted));
  if (!halted) {
    return next;
  }
  DUET_TRY(clean_up(pod));
  DUET_TRY(volumes_.unmount());
  const bool over = pod.status.phase == "Succeeded" || pod.status.phase == "Failed";
  if (!over) {
    const auto reset = context_.store.update_status(key_, uid_, "{}");
    if (!reset.ok() && reset.error().code() != ErrorCode::kNotFound) {
      return reset.error();
    }
  }
  return Next{};
}

Result<bool> PodWorker::changed_spec_is_gone(const object::Pod& pod) {
  const std::string mark = std::to_string(pod.meta.generation);
  constexpr size_t kMarkBytes = 64;
  const auto before = sys::read_file(paths_.spec_mark(), kMarkBytes);
  if (before.ok() && *before == mark) {
    return true;
  }
  if (before.ok()) {
    bool stopped = false;
    const auto next = stop_children(pod, pod.spec.termination_grace_period_seconds, stopped);
    if (!next.ok()) {
      return next.error();
    }
    if (!stopped) {
      return false;
    }
    event("Normal", "Replaced", "The pod's specification changed; its containers start anew");
    DUET_TRY(clean_up(pod));
    memory_.clear();
    stop_at_ms_.reset();
    signalled_.clear();
    const auto reset = context_.store.update_status(key_, uid_, "{}");
    if (!reset.ok()) {
      return reset.error();
    }
    fresh_ = true;
  }
  DUET_TRY(sys::make_directories(paths_.run(), 0700));
  DUET_TRY(sys::replace_file(paths_.spec_mark(), mark));
  return !before.ok();
}

}  // namespace duet::pod
