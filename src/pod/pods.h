#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "monitor/client.h"
#include "pod/worker.h"
#include "sys/cgroup.h"
#include "sys/fd.h"

// The pods of this node: the loop that keeps them, and what people do with a running one.
namespace duet::pod {

struct PodsOptions {
  // Pods worked on at the same time. A start waits for the kernel (namespaces, mounts, cgroups) and
  // for the disk as much as it computes.
  int worker_limit = 8;
  std::function<void(const std::string& line)> log;
};

// A command in a container or an attached container, with the files it needs.
struct Session {
  monitor::Stream stream;
  std::unique_ptr<ExecFiles> files;  // null when attached
};

struct ExecOptions {
  std::vector<std::string> command;
  bool tty = false;
  bool stdin_open = false;
};

// What a pod has used, by its cgroups.
struct PodUsage {
  struct Container {
    std::string name;
    sys::CgroupUsage usage;
  };
  sys::CgroupUsage whole;             // with its monitor
  std::vector<Container> containers;  // that have a cgroup: Wasm programs too, handlers not
};

class Pods {
 public:
  // Takes over what an agent before us left running, removes what the store no longer knows, and
  // keeps every pod of the store from then on. `context.wake` is set here.
  static Result<std::unique_ptr<Pods>> start(PodContext context, PodsOptions options);
  // Stops looking after pods; they run on.
  virtual ~Pods() = default;

  // Ends the processes of all pods with their grace periods, at the latest after `limit_ms`;
  // objects, volumes and logs stay. After it no pod is looked after any more.
  virtual Status stop_all(int64_t limit_ms) = 0;

  // `container` empty: the pod's first. kNotFound, kInvalid when the name is wrong, kUnavailable
  // when it does not run, kUnsupported for Wasm.
  virtual Result<Session> exec(const object::ObjectKey& pod, const std::string& container,
                               const ExecOptions& options) = 0;
  virtual Result<Session> attach(const object::ObjectKey& pod, const std::string& container) = 0;

  // A connection to `port` of the pod's loopback, as its containers have it among themselves.
  // Errors: kNotFound, kUnsupported when nothing in the pod has a network of its own, kUnavailable
  // when nobody listens.
  virtual Result<sys::Fd> connect(const object::ObjectKey& pod, int port) = 0;

  // kUnsupported: this agent makes no cgroups; kNotFound: nothing of the pod runs.
  virtual Result<PodUsage> usage(const object::ObjectKey& pod) = 0;

  // The CRI log file of the container's present start, or of the one before.
  virtual Result<std::string> log_path(const object::ObjectKey& pod, const std::string& container,
                                       bool previous) = 0;
};

}  // namespace duet::pod
