#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "container/cni.h"
#include "object/pod.h"
#include "pod/paths.h"
#include "pod/runtime.h"
#include "sys/cgroup.h"

// What the containers of one pod share: cgroup, network namespace with its address, monitor.
namespace duet::pod {

struct SandboxNeeds {
  bool processes = false;  // a monitor
  bool network = false;    // an address of its own
};

struct SandboxOptions {
  std::string monitor_executable;
  const sys::Cgroups* cgroups = nullptr;  // null: an agent that may not make cgroups
  const container::Cni* cni = nullptr;    // null: none, because of `network_problem`
  Error network_problem{ErrorCode::kUnavailable, "no pod network"};
  // Whether a pod of handlers alone gets an address too: where the pod network is one that others
  // route to.
  bool addresses_handlers = false;
  std::string host_ip;
};

// Makes and removes sandboxes. Thread-safe for different pods. What `options` points to must
// outlive it.
class Sandboxes {
 public:
  explicit Sandboxes(SandboxOptions options) : options_(std::move(options)) {}

  // What the pod needs, made where it is missing and found again where it is there: the monitor of
  // an agent before us, the address from before. A monitor that died takes the processes it left
  // with it, so that they can be started anew. A new address may still be coming when it returns;
  // `pod` and `paths` must outlive the sandbox.
  Result<Sandbox> ensure(const object::Pod& pod, const PodPaths& paths,
                         const SandboxNeeds& needs) const;

  // Ends everything that still runs in the pod and takes it all away; volumes and logs stay. May be
  // called again.
  Status remove(const object::Pod& pod, const PodPaths& paths) const;

  const sys::Cgroups* cgroups() const { return options_.cgroups; }
  const std::string& host_ip() const { return options_.host_ip; }
  bool addresses_handlers() const { return options_.addresses_handlers; }
  // The uids of the pods that have an address, or may have one booked.
  std::vector<std::string> attached() const;

 private:
  Result<monitor::MonitorClient> ensure_monitor(const object::Pod& pod,
                                                const PodPaths& paths) const;
  Status limit(const object::Pod& pod, const PodPaths& paths) const;
  Result<PodAddress> ensure_network(const object::Pod& pod, const PodPaths& paths) const;
  Result<std::string> attach(const object::Pod& pod, const PodPaths& paths) const;

  SandboxOptions options_;
};

}  // namespace duet::pod
