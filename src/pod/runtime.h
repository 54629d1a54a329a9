#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "monitor/client.h"
#include "object/pod.h"
#include "pod/address.h"
#include "pod/environment.h"
#include "pod/images.h"
#include "pod/paths.h"
#include "pod/volumes.h"

// The one interface behind which containers and Wasm programs are started.
namespace duet::pod {

// What a pod's containers share.
struct Sandbox {
  std::optional<monitor::MonitorClient> monitor;  // none: a pod of handlers alone needs no process
  std::string network_namespace;                  // path; empty: the host's
  PodAddress address;
};

// One start of one container, everything resolved.
struct StartRequest {
  std::string id;
  const object::Pod& pod;
  const object::Container& container;
  const ReadyImage& image;
  const PodPaths& paths;
  const Sandbox& sandbox;
  Environment environment;
  std::vector<Mount> mounts;
  std::string log_path;
};

// A command to be run in a running container.
struct ExecRequest {
  std::string id;  // of the container's present start
  const PodPaths& paths;
  std::vector<std::string> command;
  bool tty = false;
  bool stdin_open = false;
};

// The files that an ExecStart needs while its command runs; removes them in the end. Not copyable.
class ExecFiles {
 public:
  explicit ExecFiles(const monitor::ExecStart& start);
  ~ExecFiles();
  ExecFiles(const ExecFiles&) = delete;
  ExecFiles& operator=(const ExecFiles&) = delete;

 private:
  std::vector<std::string> files_;
};

// Implementations are thread-safe for different ids.
class Runtime {
 public:
  virtual ~Runtime() = default;

  // Starts it under the pod's monitor, its program not before the pod has its address. When there
  // is no address, the error is the address's. Otherwise the error's text is shown as
  // RunContainerError; kInternal: the OCI runtime was there and refused this container.
  virtual Result<monitor::ChildState> start(const StartRequest& request) = 0;
  // Removes what an ended start left (bundle, root file system, cgroup). What is not there is fine.
  virtual Status remove(const PodPaths& paths, const std::string& container,
                        const std::string& id) = 0;
  // kUnsupported: nothing can be run beside this kind of workload.
  virtual Result<monitor::ExecStart> exec(const ExecRequest& request) = 0;
};

}  // namespace duet::pod
