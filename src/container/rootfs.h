#pragma once

#include <string>
#include <vector>

#include "base/result.h"

// The root file system of one container: an overlay over its image's layers. Needs root. Functions
// are thread-safe for different directories.
namespace duet::container {

struct Rootfs {
  // The container's own folder, made if missing: gets upper/, work/ and rootfs/.
  std::string directory;
  std::vector<std::string> layers;  // trees, lowest first
};

// Mounts it and returns the path of the mounted root. One that is mounted already is left as it is:
// what the container wrote survives a restart of the agent. What an earlier boot left is thrown
// away, because it was not kept safe from a crash. Read-only roots are the OCI runtime's to make
// (root.readonly), because it first makes mount points in them. kExhausted: more layers than
// overlayfs takes.
Result<std::string> mount_rootfs(const Rootfs& rootfs);

// <directory>/rootfs.
std::string rootfs_path(const std::string& directory);

// Unmounts the overlay and removes upper/, work/ and rootfs/. What does not exist is fine.
Status remove_rootfs(const std::string& directory);

// The trees of layers that the root file system in `directory` stands on; none when it has none.
std::vector<std::string> layers_below(const std::string& directory);

}  // namespace duet::container
