#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "object/pod.h"
#include "pod/environment.h"
#include "pod/projection.h"

// A pod's volumes on the node's disk.
namespace duet::pod {

// A volume or a part of it as one container sees it.
struct Mount {
  std::string host_path;
  std::string container_path;
  bool read_only = false;
};

// The volumes of one pod under `root`. Safe to call again at any time: what is there and right is
// left alone. Not thread-safe for one pod. `values` must outlive it.
class Volumes {
 public:
  // emptyDir is the folder `root`/<volume>; Secrets, and emptyDirs with medium Memory, are on a
  // tmpfs mounted there.
  Volumes(std::string root, const ValueSource& values, ProjectionBounds bounds = {});

  // Makes or refreshes all volumes of `pod`. kNotFound names the ConfigMap, Secret or hostPath that
  // is missing.
  Status prepare(const object::Pod& pod);

  // What `container` mounts, in the order of its volumeMounts. Call after prepare, and before each
  // start: parts of volumes are bound anew (pod/sub_path.h).
  Result<std::vector<Mount>> mounts(const object::Pod& pod,
                                    const object::Container& container) const;

  // Takes away what is mounted under `root`, as a restart of the machine would: Secrets and
  // memory are gone, emptyDirs on disk stay. Prepare makes the rest anew.
  Status unmount();

  // Unmounts and removes everything under `root`. hostPath volumes are left alone.
  Status remove();

 private:
  Status prepare_one(const object::Pod& pod, const object::Volume& volume);
  Status prepare_projected(const object::Pod& pod, const object::Volume& volume);
  std::string path_of(const object::Volume& volume) const;

  std::string root_;
  const ValueSource& values_;
  ProjectionBounds bounds_;
};

}  // namespace duet::pod
