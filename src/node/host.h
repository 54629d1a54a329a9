#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "container/bundle.h"
#include "container/cni.h"
#include "container/layer_store.h"
#include "container/oci_runtime.h"
#include "node/config.h"
#include "sys/cgroup.h"

namespace duet::node {

// What this machine offers to containers. What is missing is empty, and `problems` says why, one
// sentence each.
struct Host {
  std::optional<sys::Cgroups> cgroups;
  std::optional<container::OciRuntime> oci_runtime;
  std::optional<container::BundleHost> bundle_host;
  std::optional<container::Cni> cni;
  bool machines_network =
      false;                 // `cni` is the machine's, which others route to, not duet's bridge
  std::string network_note;  // in a cluster: which network pods get, one sentence for the log
  std::optional<container::BridgeNetwork> masqueraded;  // whose rule stands since examine_host
  std::unique_ptr<container::LayerStore> layers;
  std::string address;  // of the host: the first that is not loopback, else 127.0.0.1
  std::string runtime_problem;
  std::string network_problem;
  std::vector<std::string> problems;

  bool runs_containers() const { return cgroups && oci_runtime && bundle_host && layers; }
};

// Looks at the machine. `helpers` is where duet's helper programs are.
Host examine_host(const NodeConfig& config, const std::string& helpers);

// "amd64" for x86_64 and so on, as in kubernetes.io/arch.
std::string kubernetes_architecture();
std::string host_name();

}  // namespace duet::node
