#include "pod/worker.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>

#include "object/codec.h"
#include "pod/pass.h"
#include "pod/wasm_runtime.h"
#include "sys/file.h"
#include "sys/rfc3339.h"

namespace duet::pod {

namespace {

using State = object::ContainerState;
using Next = store::Controller::Next;

constexpr int64_t kStartRetryMs = 2'000;  // doubles with each failed start
constexpr int64_t kStartRetryLimitMs = 300'000;
constexpr int64_t kPrepareRetryMs = 2'000;
constexpr int64_t kPostStartLimitMs = 30'000;

std::string post_start_name(const std::string& id) { return id + " postStart"; }

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
    const ImageRequest request = image_request(pass.pod, container);
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
    needs.network = needs.network || ready.kind == WorkloadKind::kContainer ||
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
      object::ContainerStatus status;
      status.name = container.name;
      status.image = container.image;
      status.state.reason = "PodInitializing";
      pass.status.container_statuses.push_back(status);
    }
    return;
  }
  pass.progress.containers_done = true;
  for (const auto& container : pass.pod.spec.containers) {
    run_container(pass, container, false);
  }
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
  if (init && view.restart_policy == "Always") {
    view.restart_policy = "OnFailure";
  }
  view.backoff_step = memory.backoff_step;
  view.image = pass.images[container.name];
  if (pass.not_prepared && view.image.ready) {
    view.image = {nullptr, *pass.not_prepared};
  }
  view.start_error = memory.start_error;
  view.start_retry_at_ms = memory.start_retry_at_ms;
  view.now_ms = pass.now_ms;
  return decide(view);
}

void PodWorker::run_container(Pass& pass, const object::Container& container, bool init) {
  auto& statuses = init ? pass.status.init_container_statuses : pass.status.container_statuses;
  auto& memory = memory_[container.name];
  const auto& image = pass.images[container.name];
  if (image.ready && image.ready->kind == WorkloadKind::kHandler && !init && !pass.not_prepared) {
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

void PodWorker::register_handler(Pass& pass, const object::Container& container,
                                 const ReadyImage& image) {
  object::ContainerStatus status;
  status.name = container.name;
  status.image = container.image;
  status.image_id = image.image.manifest_digest;
  const auto* before = find_status(pass.pod.status.container_statuses, container.name);
  const bool ran = before != nullptr && before->state.type == State::Type::kRunning;
  const auto now = sys::format_rfc3339(context_.clock.now());
  status.state = {.type = State::Type::kRunning,
                  .started_at = ran ? before->state.started_at : now};
  status.started = status.ready = true;
  pass.progress.containers_done = false;
  if (!context_.handlers.has(uid_, container.name)) {
    auto environment = environment_of(pass, container);
    const std::string log = paths_.log(container.name, 0);
    Status log_made = sys::make_directories(log.substr(0, log.rfind('/')));
    if (log_made.ok() && !sys::file_exists(log)) {
      log_made = sys::write_file(log, "", 0640);
    }
    if (log_made.ok() && ::geteuid() == 0 &&
        ::chown(log.c_str(), context_.gateway_uid, context_.gateway_gid) != 0) {
      log_made = Error::from_errno("chown " + log, errno);
    }
    if (!environment.ok() || !log_made.ok()) {
      const Error& error = environment.ok() ? log_made.error() : environment.error();
      status.state = {.reason = "CreateContainerConfigError", .message = error.message()};
      status.started = status.ready = false;
      pass.look_again_in(kPrepareRetryMs);
      event("Warning", "Failed", error.message());
    } else {
      context_.handlers.put({.pod = key_,
                             .uid = uid_,
                             .container = container.name,
                             .code_digest = image.code_digest,
                             .args = wasm_argv(container, image.image.config, *environment),
                             .environment = wasm_environment(image.image.config, *environment),
                             .resources = container.resources,
                             .annotations = pass.pod.meta.annotations,
                             .ports = container.ports,
                             .log_path = log});
      event("Normal", "Started", "Handler " + container.name + " is served by the gateway");
    }
  }
  pass.status.container_statuses.push_back(status);
}

// The pod as this pass knows it: addresses and node are not in the store before its first status
// is. kInvalid: what the container refers to is not there.
Result<Environment> PodWorker::environment_of(const Pass& pass,
                                              const object::Container& container) const {
  object::Pod known = pass.pod;
  known.spec.node_name = context_.node_name;
  const bool asks = std::any_of(container.env.begin(), container.env.end(), [](const auto& one) {
    return one.field_path.starts_with("status.podIP");
  });
  if (asks) {
    DUET_ASSIGN(known.status.pod_ip, pass.sandbox.address.get());
  }
  known.status.host_ip = pass.status.host_ip;
  auto environment = resolve_environment(known, container, values_);
  return environment.ok() ? std::move(environment) : invalid(environment.error().message());
}

void PodWorker::start(Pass& pass, const object::Container& container,
                      const ContainerDecision& decision) {
  auto& memory = memory_[container.name];
  const auto& image = *pass.images[container.name].ready;
  auto started = try_start(pass, container, image, decision);
  if (!started.ok() && !pass.sandbox.address.get().ok()) {
    sandbox_failed(pass, pass.sandbox.address.get().error());
    return;
  }
  if (!started.ok()) {
    // Something of the image may be gone: the next try looks.
    context_.images.forget(image_request(pass.pod, container));
    const bool says_wrong = started.error().code() == ErrorCode::kInvalid;
    start_failed(container,
                 {says_wrong ? "CreateContainerConfigError" : "RunContainerError",
                  started.error().message()},
                 pass.now_ms);
    return;
  }
  if (decision.attempt > 0) {
    ++memory.backoff_step;
  }
  memory.start_error.reset();
  memory.start_failures = 0;
  pass.starts[container.name] = {decision.attempt, *started};
  event("Normal", "Started", "Started container " + container.name);
}

Result<monitor::ChildState> PodWorker::try_start(Pass& pass, const object::Container& container,
                                                 const ReadyImage& image,
                                                 const ContainerDecision& decision) {
  DUET_ASSIGN(auto environment, environment_of(pass, container));
  DUET_ASSIGN(auto mounts, volumes_.mounts(pass.pod, container));
  if (const auto last = pass.starts.find(container.name); last != pass.starts.end()) {
    const std::string old = last->second.child.id;
    DUET_TRY(context_.containers.remove(paths_, container.name, old));
    DUET_TRY(context_.programs.remove(paths_, container.name, old));
    const Status forgotten = pass.sandbox.monitor->remove(old);
    if (!forgotten.ok() && forgotten.error().code() != ErrorCode::kNotFound) {
      return forgotten.error();
    }
  }
  const std::string log = paths_.log(container.name, decision.attempt);
  DUET_TRY(sys::make_directories(log.substr(0, log.rfind('/'))));
  // The logs of the present and of the last start are kept, as the kubelet does.
  if (decision.attempt > 1) {
    (void)sys::remove_tree(paths_.log(container.name, decision.attempt - 2));
  }
  Runtime& runtime =
      image.kind == WorkloadKind::kContainer ? context_.containers : context_.programs;
  const StartRequest request{.id = container_id(uid_, container.name, decision.attempt),
                             .pod = pass.pod,
                             .container = container,
                             .image = image,
                             .paths = paths_,
                             .sandbox = pass.sandbox,
                             .environment = std::move(environment),
                             .mounts = std::move(mounts),
                             .log_path = log};
  auto started = runtime.start(request);
  if (started.ok() && container.post_start) {
    const ActionTarget target{*pass.sandbox.address.get(), container, request.id, paths_,
                              pass.sandbox.monitor,        &runtime};
    context_.hooks.begin(
        post_start_name(request.id),
        [&actions = context_.actions, hook = *container.post_start, target] {
          return actions.run(hook, target, kPostStartLimitMs);
        },
        [wake = context_.wake, key = key_] { wake(key); });
  }
  return started;
}

// Until it is, the container is neither probed nor ready. A hook that failed ends the container.
bool PodWorker::post_start_is_over(Pass& pass, const object::Container& container) {
  const std::string& id = memory_[container.name].running_id;
  const std::string name = post_start_name(id);
  const auto ended = context_.hooks.ended(name);
  if (ended && !ended->ok()) {
    event("Warning", "FailedPostStartHook", ended->error().message());
    (void)pass.sandbox.monitor->send_signal(id, SIGKILL);
  }
  if (ended) {
    context_.hooks.forget(name);
  }
  // One of an agent before us counts as done.
  return ended || !context_.hooks.knows(name);
}

void PodWorker::start_failed(const object::Container& container, const ImageWait& why,
                             int64_t now_ms) {
  auto& memory = memory_[container.name];
  memory.start_error = why;
  memory.start_retry_at_ms =
      now_ms + std::min(kStartRetryLimitMs, kStartRetryMs << std::min(memory.start_failures, 16));
  ++memory.start_failures;
  event("Warning", "Failed", "Error: " + why.message);
}

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
