#include "pod/pods.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>

#include "object/codec.h"
#include "object/kind.h"
#include "pod/loopback.h"
#include "pod/monitor_watcher.h"
#include "pod/references.h"
#include "sys/file.h"
#include "sys/namespace.h"

namespace duet::pod {

namespace {

using store::Controller;

// One pod's worker and the pod as it was seen last, for when it is gone from the store.
struct Entry {
  std::mutex mutex;  // held for a pass
  std::unique_ptr<PodWorker> worker;
  object::Pod last;
  std::set<object::ObjectKey> references;  // of it; under the mutex of all pods
};

class ControlledPods;

// What wakes pods from other threads: images, probes and hooks that end when the pods are gone
// already find nobody here.
struct Alarm {
  std::mutex mutex;
  ControlledPods* pods = nullptr;
};

class ControlledPods final : public Pods {
 public:
  ControlledPods(PodContext context, PodsOptions options)
      : context_(std::move(context)), options_(std::move(options)) {}

  Status begin() {
    alarm_->pods = this;
    context_.wake = [alarm = alarm_](const object::ObjectKey& key) {
      const std::lock_guard lock(alarm->mutex);
      if (alarm->pods != nullptr) {
        alarm->pods->wake(store::key_text(key));
      }
    };
    DUET_ASSIGN(watcher_, MonitorWatcher::start([this](const std::string& key) { wake(key); }));
    DUET_TRY(adopt_strays());
    store::ControllerOptions options{
        .name = "pods",
        .kinds = {object::Kind::kPod, object::Kind::kConfigMap, object::Kind::kSecret},
        .worker_limit = options_.worker_limit};
    auto controller = Controller::start(
        context_.store, options, [this](const store::WatchEvent& event) { return keys_of(event); },
        [this](const std::string& key) { return reconcile(key); }, options_.log);
    const std::lock_guard lock(mutex_);
    controller_ = std::move(controller);
    // Strays, and pods whose images were ready before there was anybody to wake.
    for (const auto& [key, entry] : entries_) {
      controller_->wake(key);
    }
    return {};
  }

  ~ControlledPods() override {
    {
      const std::lock_guard lock(alarm_->mutex);
      alarm_->pods = nullptr;
    }
    end_controller();
    watcher_.reset();
  }

  Status stop_all(int64_t limit_ms) override {
    end_controller();
    const auto deadline = context_.clock.monotonic() + std::chrono::milliseconds(limit_ms);
    std::map<std::string, std::shared_ptr<Entry>> left = entries_;
    Status status;
    while (!left.empty() && context_.clock.monotonic() < deadline) {
      std::erase_if(left, [&](const auto& one) { return halted(*one.second, status); });
      std::unique_lock lock(mutex_);
      stirred_.wait_for(lock, std::chrono::milliseconds(50));
    }
    if (!left.empty()) {
      return Error(ErrorCode::kTimeout, std::to_string(left.size()) + " pods still run");
    }
    return status;
  }

  Result<Session> exec(const object::ObjectKey& pod, const std::string& container,
                       const ExecOptions& options) override {
    if (options.command.empty()) {
      return invalid("you must specify at least one command for the container");
    }
    DUET_ASSIGN(const Target target, find_running(pod, container));
    Runtime& runtime = target.is_container ? context_.containers : context_.programs;
    DUET_ASSIGN(const auto start, runtime.exec({.id = target.id,
                                                .paths = target.paths,
                                                .command = options.command,
                                                .tty = options.tty,
                                                .stdin_open = options.stdin_open}));
    auto files = std::make_unique<ExecFiles>(start);
    DUET_ASSIGN(auto monitor, monitor::MonitorClient::connect(target.paths.run()));
    DUET_ASSIGN(auto stream, monitor.exec(start));
    return Session{std::move(stream), std::move(files)};
  }

  Result<Session> attach(const object::ObjectKey& pod, const std::string& container) override {
    DUET_ASSIGN(const Target target, find_running(pod, container));
    DUET_ASSIGN(auto monitor, monitor::MonitorClient::connect(target.paths.run()));
    DUET_ASSIGN(auto stream, monitor.attach(target.id));
    return Session{std::move(stream), nullptr};
  }

  Result<sys::Fd> connect(const object::ObjectKey& key, int port) override {
    DUET_ASSIGN(const auto pod, get(key));
    if (pod.spec.host_network) {
      return connect_loopback(port);
    }
    const PodPaths paths(context_.paths, key, pod.meta.uid);
    if (!sys::network_namespace_exists(paths.network_namespace())) {
      return Error(ErrorCode::kUnsupported,
                   "pod " + key.name +
                       " has no network of its own: it listens on no port, or is a request "
                       "handler that the front door alone answers for");
    }
    sys::Fd connected;
    DUET_TRY(sys::in_network_namespace(paths.network_namespace(), [&]() -> Status {
      DUET_ASSIGN(connected, connect_loopback(port));
      return {};
    }));
    return connected;
  }

  Result<PodUsage> usage(const object::ObjectKey& key) override {
    const sys::Cgroups* cgroups = context_.sandboxes.cgroups();
    if (cgroups == nullptr) {
      return Error(ErrorCode::kUnsupported, "this agent makes no cgroups");
    }
    DUET_ASSIGN(const auto pod, get(key));
    const PodPaths paths(context_.paths, key, pod.meta.uid);
    PodUsage out;
    DUET_ASSIGN(out.whole, cgroups->usage(paths.cgroup()));
    for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers}) {
      for (const auto& one : *list) {
        if (const auto usage = cgroups->usage(paths.cgroup(one.name)); usage.ok()) {
          out.containers.push_back({one.name, *usage});
        }
      }
    }
    return out;
  }

  Result<std::string> log_path(const object::ObjectKey& key, const std::string& container,
                               bool previous) override {
    DUET_ASSIGN(const auto pod, get(key));
    DUET_ASSIGN(const std::string name, container_name(pod, container));
    int attempt = 0;
    for (const auto* list : {&pod.status.init_container_statuses, &pod.status.container_statuses}) {
      for (const auto& status : *list) {
        attempt = status.name == name ? status.restart_count : attempt;
      }
    }
    const PodPaths paths(context_.paths, key, pod.meta.uid);
    if (previous && attempt == 0) {
      return not_found("previous terminated container \"" + name + "\" in pod \"" + key.name +
                       "\" not found");
    }
    return paths.log(name, previous ? attempt - 1 : attempt);
  }

 private:
  struct Target {
    std::string id;
    PodPaths paths;
    bool is_container;
  };

  void end_controller() {
    std::unique_ptr<Controller> controller;
    {
      const std::lock_guard lock(mutex_);
      controller.swap(controller_);
    }
  }

  // One step of stopping a pod; true when there is nothing left to stop. The last failure goes to
  // `status`.
  static bool halted(Entry& entry, Status& status) {
    const std::lock_guard pass(entry.mutex);
    if (!entry.worker) {
      return true;
    }
    bool done = false;
    const auto step =
        entry.worker->halt(entry.last, entry.last.spec.termination_grace_period_seconds, done);
    if (!step.ok()) {
      status = step.error();
    }
    return done || !step.ok();
  }

  Result<object::Pod> get(const object::ObjectKey& key) {
    DUET_ASSIGN(const auto object, context_.store.get(key));
    DUET_ASSIGN(auto pod, object::decode_pod(object.json));
    // A pod that names no node runs on this one. It is not written down: a node may be renamed.
    if (pod.spec.node_name.empty()) {
      pod.spec.node_name = context_.node_name;
    }
    return pod;
  }

  static Result<std::string> container_name(const object::Pod& pod, const std::string& wanted) {
    std::string names;
    for (const auto* list : {&pod.spec.containers, &pod.spec.init_containers}) {
      for (const auto& one : *list) {
        if (one.name == wanted || wanted.empty()) {
          return one.name;
        }
        names += (names.empty() ? "" : ", ") + one.name;
      }
    }
    return invalid("container " + wanted + " is not valid for pod " + pod.meta.name +
                   ", choose one of: " + names);
  }

  Result<Target> find_running(const object::ObjectKey& key, const std::string& wanted) {
    DUET_ASSIGN(const auto pod, get(key));
    DUET_ASSIGN(const std::string name, container_name(pod, wanted));
    const PodPaths paths(context_.paths, key, pod.meta.uid);
    if (context_.handlers.has(pod.meta.uid, name)) {
      return Error(ErrorCode::kUnsupported,
                   "container " + name + " is a request handler: it owns no process to enter");
    }
    const auto monitor = monitor::MonitorClient::connect(paths.run());
    if (monitor.ok()) {
      DUET_ASSIGN(const auto children, monitor->list());
      for (const auto& child : children) {
        if (attempt_of(child.id, pod.meta.uid, name) >= 0 &&
            child.phase == monitor::ChildPhase::kRunning) {
          return Target{child.id, paths, sys::file_exists(paths.container(child.id))};
        }
      }
    }
    return Error(ErrorCode::kUnavailable,
                 "container " + name + " of pod " + key.name + " is not running");
  }

  void wake(const std::string& key) {
    const std::lock_guard lock(mutex_);
    stirred_.notify_all();
    if (controller_) {
      controller_->wake(key);
    }
  }

  // A changed ConfigMap or Secret wakes the pods that name it.
  std::vector<std::string> keys_of(const store::WatchEvent& event) {
    if (event.object.key.kind == object::Kind::kPod) {
      return {store::key_text(event.object.key)};
    }
    std::vector<std::string> keys;
    const std::lock_guard lock(mutex_);
    for (const auto& [key, entry] : entries_) {
      if (entry->references.contains(event.object.key)) {
        keys.push_back(key);
      }
    }
    return keys;
  }

  // Before the pass reads them, so that no change is missed.
  void note_references(Entry& entry, const object::Pod& pod) {
    auto references = references_of(pod);
    const std::lock_guard lock(mutex_);
    entry.references = std::move(references);
  }

  std::shared_ptr<Entry> entry_of(const std::string& key) {
    const std::lock_guard lock(mutex_);
    auto& entry = entries_[key];
    if (!entry) {
      entry = std::make_shared<Entry>();
    }
    return entry;
  }

  Result<Controller::Next> reconcile(const std::string& text) {
    const auto key = store::key_from_text(object::Kind::kPod, text);
    const auto entry = entry_of(text);
    const std::lock_guard pass(entry->mutex);
    auto pod = get(key);
    if (!pod.ok() && pod.error().code() != ErrorCode::kNotFound) {
      return pod.error();
    }
    const bool replaced = pod.ok() && entry->worker && entry->worker->uid() != pod->meta.uid;
    if (!pod.ok() || replaced) {
      return retire(text, *entry, replaced);
    }
    if (!entry->worker) {
      entry->worker = std::make_unique<PodWorker>(context_, key, pod->meta.uid);
    }
    note_references(*entry, *pod);
    entry->last = *pod;
    if (!pod->meta.deletion_timestamp.empty()) {
      return remove(text, *entry, *pod);
    }
    auto next = entry->worker->sync(*pod);
    listen(key, pod->meta.uid, text);
    return next;
  }

  void listen(const object::ObjectKey& key, const std::string& uid, const std::string& text) {
    (void)watcher_->watch(PodPaths(context_.paths, key, uid).run(), text);
  }

  // The pod is gone from the store, or another of its name is there.
  Result<Controller::Next> retire(const std::string& text, Entry& entry, bool replaced) {
    if (entry.worker) {
      DUET_ASSIGN(auto next, entry.worker->terminate(entry.last, 0));
      if (!entry.worker->gone()) {
        return next;
      }
      entry.worker.reset();
    }
    if (replaced) {
      return Controller::Next{0};
    }
    const std::lock_guard lock(mutex_);
    entries_.erase(text);
    return Controller::Next{};
  }

  Result<Controller::Next> remove(const std::string& text, Entry& entry, const object::Pod& pod) {
    DUET_ASSIGN(auto next, entry.worker->terminate(pod, pod.meta.deletion_grace_period_seconds));
    if (!entry.worker->gone()) {
      return next;
    }
    entry.worker.reset();
    const Status finished =
        context_.store.finish_delete(store::key_from_text(object::Kind::kPod, text), pod.meta.uid);
    if (!finished.ok() && finished.error().code() != ErrorCode::kNotFound) {
      return finished.error();
    }
    return Controller::Next{};
  }

  // Pods that the store no longer knows, found by what they left: they are ended as if they had
  // just been deleted. Each gets an entry under a key that no object has.
  Status adopt_strays() {
    DUET_ASSIGN(const auto listing, context_.store.list(object::Kind::kPod));
    std::set<std::string> known;
    for (const auto& object : listing.objects) {
      known.insert(object.uid);
    }
    // After a reboot an address may be all that is left of a pod.
    std::vector<std::string> found = context_.sandboxes.attached();
    for (const auto& root : {context_.paths.run + "/pods", context_.paths.state + "/pods"}) {
      const auto uids = sys::list_directory(root).value_or({});
      found.insert(found.end(), uids.begin(), uids.end());
    }
    for (const auto& uid : found) {
      if (known.insert(uid).second) {
        const auto entry = entry_of(store::key_text({object::Kind::kPod, "", uid}));
        entry->last.meta.uid = uid;
        entry->worker =
            std::make_unique<PodWorker>(context_, key_of_logs(context_.paths, uid), uid);
      }
    }
    return {};
  }

  PodContext context_;
  PodsOptions options_;
  std::shared_ptr<Alarm> alarm_ = std::make_shared<Alarm>();
  std::mutex mutex_;
  std::condition_variable stirred_;  // something happened to a pod
  std::map<std::string, std::shared_ptr<Entry>> entries_;
  std::unique_ptr<MonitorWatcher> watcher_;
  std::unique_ptr<Controller> controller_;
};

}  // namespace

Result<std::unique_ptr<Pods>> Pods::start(PodContext context, PodsOptions options) {
  auto pods = std::make_unique<ControlledPods>(std::move(context), std::move(options));
  DUET_TRY(pods->begin());
  return std::unique_ptr<Pods>(std::move(pods));
}

}  // namespace duet::pod
