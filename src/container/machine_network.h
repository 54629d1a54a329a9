#pragma once

#include <optional>
#include <string>
#include <vector>

#include "container/cni.h"

// The pod network that a machine has already, from the container runtime of a kubelet beside us.
namespace duet::container {

// A folder with CNI configurations, and those with their plugins.
struct CniPlace {
  std::string config_directory;
  std::vector<std::string> plugin_directories;  // the first that has a plugin counts
};

// Where machines have them: /etc/cni/net.d, as containerd and CRI-O do, then the folders of k3s.
// `plugin_directories` are looked into everywhere, in k3s's case after its own. `root` stands
// before the fixed paths; empty on a real machine.
std::vector<CniPlace> usual_cni_places(const std::vector<std::string>& plugin_directories,
                                       const std::string& root = "");

struct MachineNetwork {
  Cni cni;
  std::string config_directory;
};

// The network of the first place that has one that can be used. A place without a configuration is
// passed over; so is one whose configuration cannot be used (a plugin is missing, say), and
// `problems` gets why. Results are kept in `cache_directory`, as Cni::Options says.
std::optional<MachineNetwork> find_machine_network(const std::vector<CniPlace>& places,
                                                   const std::string& cache_directory,
                                                   std::vector<std::string>& problems);

}  // namespace duet::container
