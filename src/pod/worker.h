#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "object/pod.h"
#include "pod/actions.h"
#include "pod/container_status.h"
#include "pod/handlers.h"
#include "pod/hooks.h"
#include "pod/images.h"
#include "pod/paths.h"
#include "pod/pod_status.h"
#include "pod/prober.h"
#include "pod/runtime.h"
#include "pod/sandbox.h"
#include "store/controller.h"
#include "store/store.h"
#include "sys/clock.h"

namespace duet::pod {

// What a node offers to its pods. Everything outlives the workers and is thread-safe.
struct PodContext {
  store::Store& store;
  const sys::Clock& clock;
  Images& images;
  const Sandboxes& sandboxes;
  Runtime& containers;
  Runtime& programs;
  Handlers& handlers;
  Prober& prober;
  Actions& actions;
  Hooks& hooks;
  NodePaths paths;
  std::string node_name;
  std::string wasm_node_name;  // of the second Node in a cluster, for Wasm alone; empty: none
  std::string architecture;    // as in kubernetes.io/arch: amd64, arm64
  std::string runtime_name;    // of the OCI runtime: what runtimeClassName may say beside "wasm"
  uid_t gateway_uid = 0;       // who writes the logs of handlers
  gid_t gateway_gid = 0;
  // Whether the store has the Services of the cluster that pods may be of. None: always.
  std::function<bool()> services_known;
  // The pod wants another pass. Copies of it may be called even when the pods are gone.
  std::function<void(const object::ObjectKey&)> wake;
};

// One pod. Each pass looks at what is (store, monitor, images, probes) and moves it towards what is
// wanted; nothing is lost when the agent dies between two passes. Used by one thread at a time.
class PodWorker {
 public:
  PodWorker(PodContext& context, const object::ObjectKey& key, const std::string& uid);

  // Brings the living pod one step on.
  Result<store::Controller::Next> sync(const object::Pod& pod);

  // Brings the pod one step to its end; done when the result says nothing is due and gone() holds.
  Result<store::Controller::Next> terminate(const object::Pod& pod, int64_t grace_seconds);
  bool gone() const { return gone_; }

  // Brings the pod one step to where it was before its first pass, volumes and logs kept; `halted`
  // is set at the end.
  Result<store::Controller::Next> halt(const object::Pod& pod, int64_t grace_seconds, bool& halted);

  // The ID of the container's present start; empty: it does not run.
  std::string running_id(const std::string& container) const;
  const std::string& uid() const { return uid_; }

 private:
  // What is remembered of a container between passes; all of it may be lost with the agent.
  struct Memory {
    int backoff_step = -1;  // -1: not known, take the restart count
    int start_failures = 0;
    std::optional<ImageWait> start_error;
    bool start_refused = false;
    int64_t start_retry_at_ms = 0;
    int reported_end = -1;              // attempt whose end was told in an Event
    std::optional<int64_t> kill_at_ms;  // it was asked to stop and is killed then
    std::string running_id;
  };
  // One pass.
  struct Pass;

  void prepare_images(Pass& pass);
  Status prepare_sandbox(Pass& pass);
  void sandbox_failed(Pass& pass, const Error& error);
  void await_address(Pass& pass);
  Status observe(Pass& pass);
  bool run_init_containers(Pass& pass);
  void run_containers(Pass& pass);
  void run_container(Pass& pass, const object::Container& container, bool init);
  static bool init_is_lost(const Pass& pass, const ContainerView& view);
  ContainerDecision decide_one(Pass& pass, const object::Container& container, bool init);
  void start(Pass& pass, const object::Container& container, const ContainerDecision& decision);
  Result<monitor::ChildState> try_start(Pass& pass, const object::Container& container,
                                        const ReadyImage& image, const ContainerDecision& decision);
  bool asks_in_vain(const Pass& pass, const object::Container& container) const;
  void start_failed(const object::Container& container, const ImageWait& why, int64_t now_ms);
  Result<Environment> environment_of(const Pass& pass, const object::Container& container);
  Result<Environment> services_of(const object::Pod& pod);
  bool await_handlers_address(Pass& pass);
  Result<std::optional<PodNetwork>> network_of(const Pass& pass) const;
  Status make_handlers_log(const std::string& log) const;
  Result<HandlerInstance> make_handler(const Pass& pass, const object::Container& container,
                                       const ReadyImage& image);
  void register_handler(Pass& pass, const object::Container& container, const ReadyImage& image);
  void probe(Pass& pass, const object::Container& container, object::ContainerStatus& status);
  void kill_unhealthy(Pass& pass, const object::Container& container, ProbeKind kind);
  Status store_status(Pass& pass);
  bool reject(const object::Pod& pod);
  Result<bool> changed_spec_is_gone(const object::Pod& pod);
  Result<store::Controller::Next> stop_children(const object::Pod& pod, int64_t grace_seconds,
                                                bool& stopped);
  Status ask_to_stop(const object::Pod& pod, const monitor::MonitorClient& monitor,
                     const std::string& id, int64_t left_ms);
  bool pre_stop_is_over(const object::Pod& pod, const object::Container& container,
                        const monitor::MonitorClient& monitor, const std::string& id,
                        int64_t left_ms);
  bool post_start_is_over(Pass& pass, const object::Container& container);
  bool handlers_are_asked() const;
  Status tell_ends(const object::Pod& pod);
  Status clean_up(const object::Pod& pod);
  void event(const char* type, const char* reason, const std::string& message);

  PodContext& context_;
  object::ObjectKey key_;
  std::string uid_;
  PodPaths paths_;
  ValueSource values_;
  Volumes volumes_;
  std::map<std::string, Memory> memory_;
  std::optional<int64_t> stop_at_ms_;  // the whole pod is being stopped and is killed then
  std::set<std::string> signalled_;    // starts that were asked to stop since
  bool fresh_ = true;
  bool network_failed_ = false;  // at the last attempt
  bool settled_ = false;         // it ended and what it used was taken away
  bool gone_ = false;
  std::string last_event_;
};

}  // namespace duet::pod
