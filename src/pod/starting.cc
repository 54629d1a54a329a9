#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "object/annotations.h"
#include "object/codec.h"
#include "pod/pass.h"
#include "pod/service_variables.h"
#include "pod/wasm_runtime.h"
#include "sys/file.h"
#include "sys/namespace.h"

// How a container is started: what it is given, by whom, and what is remembered when it cannot be.
namespace duet::pod {

namespace {

using State = object::ContainerState;

constexpr int64_t kStartRetryLimitMs = 300'000;
constexpr int64_t kPostStartLimitMs = 30'000;

}  // namespace

// Whether the pod wants a handler of `container`, and none of its containers is one.
bool PodWorker::asks_in_vain(const Pass& pass, const object::Container& container) const {
  return image_request(context_, pass.pod, container).wagi &&
         std::none_of(pass.images.begin(), pass.images.end(), [](const auto& image) {
           return !image.second.ready || image.second.ready->kind == WorkloadKind::kHandler;
         });
}

// A handler does not run before its pod has its address, as nothing of a pod does.
bool PodWorker::await_handlers_address(Pass& pass) {
  const auto& address = pass.sandbox.address.get();
  if (!address.ok()) {
    sandbox_failed(pass, address.error());
  }
  return address.ok();
}

// Where the pod's handlers are in the network; none: where the host is.
Result<std::optional<PodNetwork>> PodWorker::network_of(const Pass& pass) const {
  if (pass.sandbox.network_namespace.empty()) {
    return std::optional<PodNetwork>();
  }
  PodNetwork network{.network_namespace = pass.sandbox.network_namespace};
  DUET_ASSIGN(network.address, pass.sandbox.address.get());
  DUET_ASSIGN(network.network_namespace_id, sys::network_namespace_id(network.network_namespace));
  return std::optional(std::move(network));
}

// The log that the gateway writes, as its user.
Status PodWorker::make_handlers_log(const std::string& log) const {
  DUET_TRY(sys::make_directories(log.substr(0, log.rfind('/'))));
  if (!sys::file_exists(log)) {
    DUET_TRY(sys::write_file(log, "", 0640));
  }
  if (::geteuid() == 0 && ::chown(log.c_str(), context_.gateway_uid, context_.gateway_gid) != 0) {
    return Error::from_errno("chown " + log, errno);
  }
  return {};
}

Result<HandlerInstance> PodWorker::make_handler(const Pass& pass,
                                                const object::Container& container,
                                                const ReadyImage& image) {
  DUET_ASSIGN(const auto environment, environment_of(pass, container));
  DUET_ASSIGN(auto network, network_of(pass));
  const std::string log = paths_.log(container.name, 0);
  DUET_TRY(make_handlers_log(log));
  return HandlerInstance{.pod = key_,
                         .uid = uid_,
                         .container = container.name,
                         .code_digest = image.code_digest,
                         .use = image.component ? engine::Use::kOwn : engine::Use::kWagi,
                         .asynchronous = image.asynchronous,
                         .args = wasm_argv(container, image.image.config, environment),
                         .environment = wasm_environment(image.image.config, environment),
                         .resources = container.resources,
                         .annotations = pass.pod.meta.annotations,
                         .ports = container.ports,
                         .network = std::move(network),
                         .log_path = log};
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
    auto handler = make_handler(pass, container, image);
    if (handler.ok()) {
      context_.handlers.put(std::move(*handler));
      event("Normal", "Started", "Handler " + container.name + " is served by the gateway");
      if (image.asynchronous) {
        event("Normal", "AsyncHandler",
              "Handler " + container.name +
                  " is of wasi:http 0.3, whose support in the engine is experimental");
      }
    } else {
      const std::string& problem = handler.error().message();
      status.state = {.reason = "CreateContainerConfigError", .message = problem};
      status.started = status.ready = false;
      pass.look_again_in(kPrepareRetryMs);
      event("Warning", "Failed", problem);
    }
  }
  pass.status.container_statuses.push_back(status);
}

// What a container finds of the Services of its namespace.
Result<Environment> PodWorker::services_of(const object::Pod& pod) {
  if (!pod.spec.enable_service_links) {
    return Environment{};
  }
  if (is_bound(pod) && context_.services_known && !context_.services_known()) {
    return invalid("services have not yet been read at least once, cannot construct envvars");
  }
  DUET_ASSIGN(const auto stored, context_.store.list(object::Kind::kService, key_.ns));
  std::vector<object::Service> services;
  for (const object::Object& one : stored.objects) {
    // Where the API server is, a cluster's pod knows from its source.
    if (one.key.ns == "default" && one.key.name == "kubernetes") {
      continue;
    }
    if (auto service = object::decode_service(one.json); service.ok()) {
      services.push_back(std::move(*service));
    }
  }
  ServiceVariables found = service_variables(services);
  if (found.left_out > 0) {
    event("Warning", "ServiceLinksLeftOut",
          std::to_string(found.left_out) + " of the namespace's " +
              std::to_string(services.size()) +
              " Services have no variables in containers: there is room for " +
              std::to_string(kServiceVariablesBytes) +
              " bytes; set enableServiceLinks to false, and find them by name");
  }
  return std::move(found.variables);
}

// The pod as this pass knows it: addresses are not in the store before its first status is.
// kInvalid: what the container refers to is not there.
Result<Environment> PodWorker::environment_of(const Pass& pass,
                                              const object::Container& container) {
  object::Pod known = pass.pod;
  const bool asks = std::any_of(container.env.begin(), container.env.end(), [](const auto& one) {
    return one.field_path.starts_with("status.podIP");
  });
  if (asks) {
    DUET_ASSIGN(known.status.pod_ip, pass.sandbox.address.get());
  }
  known.status.host_ip = pass.status.host_ip;
  DUET_ASSIGN(const auto services, services_of(known));
  auto environment = resolve_environment(known, container, values_, services);
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
    context_.images.forget(image_request(context_, pass.pod, container));
    const bool says_wrong = started.error().code() == ErrorCode::kInvalid;
    memory.start_refused = started.error().code() == ErrorCode::kInternal;
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
  if (asks_in_vain(pass, container)) {
    event("Warning", "NoHandler",
          std::string(object::kHandlerAnnotation) + " is for core modules of WASI preview 1: " +
              container.name + " is a container image, and runs as one");
  }
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

}  // namespace duet::pod
