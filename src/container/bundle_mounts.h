#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "container/bundle.h"

// The parts of a bundle's configuration that say what a container sees of the host.
namespace duet::container {

// `mounts` of the runtime spec: the kernel's file systems, the pod's files in /etc, then the
// volumes, parents before what is mounted in them. A volume at the place of one of the others
// replaces it.
Result<nlohmann::json> bundle_mounts(const ContainerSpec& spec);

// `linux.devices` of a privileged container: the nodes of the host's /dev.
Result<nlohmann::json> host_devices();

// Paths of /proc and /sys that an ordinary container cannot see, and those it cannot write.
nlohmann::json masked_paths();
nlohmann::json readonly_paths();

}  // namespace duet::container
