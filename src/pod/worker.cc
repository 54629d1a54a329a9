#include "pod/worker.h"

#include <algorithm>
#include <chrono>

#include "object/codec.h"
#include "pod/pass.h"
#include "sys/file.h"
#include "sys/rfc3339.h"

namespace duet::pod {

namespace {

using State = object::ContainerState;
using Next = store::Controller::Next;

// Whether something of the pod was ever started, so that it may run.
bool has_begun(const object::PodStatus& status) {
  const auto began = [](const object::ContainerStatus& one) {
    return one.state.type != State::Type::kWaiting || one.last_state;
  };
  return std::any_of(status.init_container_statuses.begin(), status.init_container_statuses.end(),
                     began) ||
         std::any_of(status.container_statuses.begin(), status.container_statuses.end(), began);
}

int64_t unix_ms(const sys::Clock& clock) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock.now().time_since_epoch())
      .count();
}

// What the node reads of objects on the pod's behalf.
template <typename Object, typename Decode>
auto reader(store::Store& store, object::Kind kind, const std::string& ns, Decode decode) {
  return [&store, kind, ns, decode](const std::string& name) -> Result<Object> {
    DUET_ASSIGN(const auto object, store.get({kind, ns, name}));
    return decode(object.json);
  };
}

ValueSource values_of(store::Store& store, const std::string& ns) {
  return {
      reader<object::ConfigMap>(store, object::Kind::kConfigMap, ns, object::decode_config_map),
      reader<object::Secret>(store, object::Kind::kSecret, ns, object::decode_secret),
  };
}

}  // namespace

PodWorker::PodWorker(PodContext& context, const object::ObjectKey& key, const std::string& uid)
    : context_(context),
      key_(key),
      uid_(uid),
      paths_(context.paths, key, uid),
      values_(values_of(context.store, key.ns)),
      volumes_(paths_.volumes(), values_) {}

Result<Next> PodWorker::sync(const object::Pod& pod) {
  if (settled_ || reject(pod)) {
    return Next{};
  }
  if (pod.status.phase == "Succeeded" || pod.status.phase == "Failed") {
    bool stopped = false;
    DUET_ASSIGN(auto next, stop_children(pod, pod.spec.termination_grace_period_seconds, stopped));
    if (!stopped) {
      return next;
    }
    DUET_TRY(tell_ends(pod));
    DUET_TRY(clean_up(pod));
    settled_ = true;
    return Next{};
  }
  DUET_ASSIGN(const bool clean, changed_spec_is_gone(pod));
  if (!clean) {
    return Next{100};
  }
  Pass pass(pod, unix_ms(context_.clock));
  prepare_images(pass);
  const Status prepared = prepare_sandbox(pass);
  const Status seen = prepared.ok() ? observe(pass) : prepared;
  if (!prepared.ok()) {
    event("Warning", "FailedCreatePodSandBox", prepared.error().message());
  }
  if (!seen.ok() && has_begun(pod.status)) {
    return Next{kPrepareRetryMs};  // what cannot be seen has not ended for that
  }
  if (!seen.ok()) {
    pass.not_prepared = ImageWait{"ContainerCreating", seen.error().message()};
    pass.look_again_in(kPrepareRetryMs);
  }
  pass.progress.init_done = run_init_containers(pass);
  run_containers(pass);
  if (prepared.ok()) {
    await_address(pass);
  }
  DUET_TRY(store_status(pass));
  fresh_ = false;
  return Next{pass.look_again_ms};
}

void PodWorker::sandbox_failed(Pass& pass, const Error& error) {
  event("Warning", "FailedCreatePodSandBox", error.message());
  pass.not_prepared = ImageWait{"ContainerCreating", error.message()};
  pass.look_again_in(kPrepareRetryMs);
}

// The last thing of a pass that may have to be waited for, if no container was.
void PodWorker::await_address(Pass& pass) {
  const auto& address = pass.sandbox.address.get();
  network_failed_ = !address.ok();
  if (address.ok()) {
    pass.status.pod_ip = *address;
  } else {
    sandbox_failed(pass, address.error());
  }
}

bool PodWorker::reject(const object::Pod& pod) {
  const auto why = unsuitable(context_, pod);
  if (!why) {
    return false;
  }
  event("Warning", "FailedScheduling", *why);
  object::PodStatus status;
  status.phase = "Pending";
  status.conditions = {
      {.type = "PodScheduled", .status = "False", .reason = "Unschedulable", .message = *why}};
  (void)context_.store.update_status(key_, uid_, object::encode_pod_status(status));
  return true;
}

void PodWorker::prepare_images(Pass& pass) {
  const auto ask = [&](const object::Container& container) {
    const ImageRequest request = image_request(context_, pass.pod, container);
    if (fresh_ && request.pull_policy == "Always") {
      context_.images.forget(request);
    } else if (fresh_) {
      context_.images.refresh(request);
    }
    ImageState state =
        context_.images.ensure(request, [wake = context_.wake, key = key_] { wake(key); });
    if (!state.ready && !state.wait.message.empty()) {
      event("Warning", state.wait.reason == "ImagePullBackOff" ? "BackOff" : "Failed",
            state.wait.message);
      pass.look_again_in(kPrepareRetryMs);
    }
    pass.images[container.name] = std::move(state);
  };
  std::for_each(pass.pod.spec.init_containers.begin(), pass.pod.spec.init_containers.end(), ask);
  std::for_each(pass.pod.spec.containers.begin(), pass.pod.spec.containers.end(), ask);
}

Status PodWorker::prepare_sandbox(Pass& pass) {
  const Status volumes = volumes_.prepare(pass.pod);
  if (!volumes.ok()) {
    event("Warning", "FailedMount", volumes.error().message());
    pass.not_prepared = ImageWait{"ContainerCreating", volumes.error().message()};
    pass.look_again_in(kPrepareRetryMs);
  }
  SandboxNeeds needs;
  for (const auto& [name, image] : pass.images) {
    if (!image.ready) {
      // A process of before may run on, whatever has become of its image.
      needs.processes = needs.processes || sys::file_exists(paths_.run() + "/monitor.sock");
      needs.network = needs.network || sys::file_exists(paths_.network_namespace());
      continue;
    }
    const auto& ready = *image.ready;
    needs.processes = needs.processes || ready.kind != WorkloadKind::kHandler;
    needs.network =
        needs.network || ready.kind == WorkloadKind::kContainer ||
        (ready.kind == WorkloadKind::kHandler && context_.sandboxes.addresses_handlers()) ||
        (ready.kind == WorkloadKind::kProgram && ready.component);
  }
  DUET_ASSIGN(pass.sandbox, context_.sandboxes.ensure(pass.pod, paths_, needs));
  pass.status.host_ip = context_.sandboxes.host_ip();
  // The first containers are created meanwhile; but not in vain again, and what began is not judged
  // before its sandbox is whole.
  const auto& address = pass.sandbox.address;
  if ((network_failed_ || has_begun(pass.pod.status)) && !address.get().ok()) {
    return address.get().error();
  }
  return {};
}

Status PodWorker::observe(Pass& pass) {
  if (!pass.sandbox.monitor) {
    return {};
  }
  DUET_ASSIGN(auto children, pass.sandbox.monitor->list());
  // What ended under a monitor that was killed since.
  if (auto ended = monitor::read_exits(paths_.run()); ended.ok()) {
    children.insert(children.end(), ended->begin(), ended->end());
  }
  const auto look = [&](const object::Container& container) {
    LastStart last;
    for (const auto& child : children) {
      const int attempt = attempt_of(child.id, uid_, container.name);
      if (attempt > last.attempt) {
        last = {attempt, child};
      }
    }
    if (last.attempt >= 0) {
      pass.starts[container.name] = last;
    }
  };
  std::for_each(pass.pod.spec.init_containers.begin(), pass.pod.spec.init_containers.end(), look);
  std::for_each(pass.pod.spec.containers.begin(), pass.pod.spec.containers.end(), look);
  return {};
}

bool PodWorker::run_init_containers(Pass& pass) {
  for (const auto& container : pass.pod.spec.init_containers) {
    run_container(pass, container, true);
    const auto& state = pass.status.init_container_statuses.back().state;
    const bool completed = state.type == State::Type::kTerminated && state.exit_code == 0;
    if (!completed) {
      pass.progress.init_failed =
          state.type == State::Type::kTerminated && pass.pod.spec.restart_policy == "Never";
      return false;
    }
  }
  return true;
}

void PodWorker::run_containers(Pass& pass) {
  if (!pass.progress.init_done) {
    for (const auto& container : pass.pod.spec.containers) {
      pass.status.container_statuses.push_back(initializing_status(
          container, find_status(pass.pod.status.container_statuses, container.name)));
    }
    return;
  }
  pass.progress.containers_done = true;
  for (const auto& container : pass.pod.spec.containers) {
    run_container(pass, container, false);
  }
}

// The monitor tells of each init container that ran under it or, killed since, before it. One that
// it does not know ran before a reboot.
bool PodWorker::init_is_lost(const Pass& pass, const ContainerView& view) {
  return pass.sandbox.monitor && !view.child && pass.pod.spec.restart_policy != "Never";
}

ContainerDecision PodWorker::decide_one(Pass& pass, const object::Container& container, bool init) {
  auto& memory = memory_[container.name];
  ContainerView view;
  view.container = &container;
  view.previous = find_status(
      init ? pass.pod.status.init_container_statuses : pass.pod.status.container_statuses,
      container.name);
  if (const auto last = pass.starts.find(container.name); last != pass.starts.end()) {
    view.child = last->second.child;
    view.attempt = last->second.attempt;
  }
  if (memory.backoff_step < 0) {
    memory.backoff_step = view.previous == nullptr ? 0 : std::min(view.previous->restart_count, 6);
  }
  view.restart_policy = pass.pod.spec.restart_policy;
  view.sandbox_lost = init && init_is_lost(pass, view);
  if (init && view.restart_policy == "Always") {
    view.restart_policy = "OnFailure";
  }
  view.backoff_step = memory.backoff_step;
  view.image = pass.images[container.name];
  if (pass.not_prepared && view.image.ready) {
    view.image = {nullptr, *pass.not_prepared};
  }
  view.start_error = memory.start_error;
  view.start_refused = memory.start_refused;
  view.start_retry_at_ms = memory.start_retry_at_ms;
  view.now_ms = pass.now_ms;
  return decide(view);
}

void PodWorker::run_container(Pass& pass, const object::Container& container, bool init) {
  auto& statuses = init ? pass.status.init_container_statuses : pass.status.container_statuses;
  auto& memory = memory_[container.name];
  const auto& image = pass.images[container.name];
  if (image.ready && image.ready->kind == WorkloadKind::kHandler && !init && !pass.not_prepared &&
      await_handlers_address(pass)) {
    register_handler(pass, container, *image.ready);
    return;
  }
  if (const auto* before = find_status(pass.pod.status.container_statuses, container.name);
      !init && before != nullptr && before->container_id.empty() &&
      before->state.type == State::Type::kRunning) {
    // A handler of the agent before us: the gateway serves it all the while its image is looked at.
    statuses.push_back(*before);
    pass.progress.containers_done = false;
    return;
  }
  ContainerDecision decision = decide_one(pass, container, init);
  if (const auto last = pass.starts.find(container.name);
      last != pass.starts.end() && last->second.child.phase == monitor::ChildPhase::kExited) {
    context_.prober.forget(last->second.child.id);
    context_.hooks.forget(post_start_name(last->second.child.id));
    if (memory.reported_end < last->second.attempt) {
      memory.reported_end = last->second.attempt;
      memory.kill_at_ms.reset();
      const bool long_life = last->second.child.finished_ns - last->second.child.started_ns >=
                             CrashBackoff().reset_after_ms * 1'000'000;
      memory.backoff_step = long_life ? 0 : memory.backoff_step;
    }
  }
  if (decision.start) {
    start(pass, container, decision);
    decision = decide_one(pass, container, init);
    if (decision.start) {  // it could not be started, and its back-off is over already
      decision.look_again_ms = kStartRetryMs;
    }
  }
  pass.look_again_in(decision.look_again_ms);
  memory.running_id = decision.running() ? pass.starts[container.name].child.id : "";
  if (decision.status.state.reason == "CrashLoopBackOff") {
    event("Warning", "BackOff", "Back-off restarting failed container " + container.name);
  }
  statuses.push_back(decision.status);
  if (decision.running() && post_start_is_over(pass, container) && !init) {
    probe(pass, container, statuses.back());
  }
  pass.progress.containers_done = pass.progress.containers_done && decision.done;
}

Status PodWorker::store_status(Pass& pass) {
  const auto& spec = pass.pod.spec;
  const auto& started = pass.pod.status.start_time;
  if (spec.active_deadline_seconds && !started.empty()) {
    const auto age =
        context_.clock.now() - sys::parse_rfc3339(started).value_or(context_.clock.now());
    const auto left = std::chrono::seconds(*spec.active_deadline_seconds) - age;
    pass.progress.deadline_exceeded = left <= left.zero();
    pass.look_again_in(std::chrono::duration_cast<std::chrono::milliseconds>(left).count());
  }
  complete_pod_status(pass.pod, pass.progress, sys::format_rfc3339(context_.clock.now()),
                      pass.status);
  if (pass.status == pass.pod.status) {
    return {};
  }
  const auto stored =
      context_.store.update_status(key_, uid_, object::encode_pod_status(pass.status));
  return stored.ok() ? Status() : stored.error();
}

std::string PodWorker::running_id(const std::string& container) const {
  const auto found = memory_.find(container);
  return found == memory_.end() ? "" : found->second.running_id;
}

void PodWorker::event(const char* type, const char* reason, const std::string& message) {
  std::string whole = std::string(reason) + ": " + message;
  if (whole == last_event_) {
    return;  // each pass sees the same again
  }
  last_event_ = std::move(whole);
  (void)context_.store.record_event(key_, uid_, type, reason, message);
}

}  // namespace duet::pod
