#include "cluster/stale_mirrors.h"

#include "cluster/mirror_pod.h"
#include "cluster/pod_requests.h"

namespace duet::cluster {

// One that cannot be removed now is with the next beat.
void StaleMirrors::beaten(const Status& status, const std::string&) {
  if (!status.ok()) {
    return;
  }
  std::map<std::string, ClusterPod> all;
  {
    const std::lock_guard lock(mutex_);
    all = mirrors_;
  }
  for (const auto& [uid, mirror] : all) {
    if (remove_pod(api_, mirror).ok()) {
      const std::lock_guard lock(mutex_);
      mirrors_.erase(uid);
    }
  }
}

void StaleMirrors::take_all(const std::vector<Json>& pods) {
  const std::lock_guard lock(mutex_);
  mirrors_.clear();
  for (const Json& pod : pods) {
    if (is_mirror(pod)) {
      keep(pod);
    }
  }
}

void StaleMirrors::take_mirror(ApiWatch::Type type, const Json& pod) {
  if (type != ApiWatch::Type::kDeleted) {
    const std::lock_guard lock(mutex_);
    keep(pod);
  }
}

// Holds the lock.
void StaleMirrors::keep(const Json& mirror) {
  if (auto read = read_cluster_pod(mirror); read.ok()) {
    std::string uid = read->uid;
    mirrors_.insert_or_assign(std::move(uid), std::move(*read));
  }
}

}  // namespace duet::cluster
