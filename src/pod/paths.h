#pragma once

#include <string>

#include "object/object.h"

// Where the files of pods are.
namespace duet::pod {

// The node's folders.
struct NodePaths {
  std::string state;  // /var/lib/duet: survives a reboot
  std::string run;    // /run/duet: does not
  std::string logs;   // /var/log/pods
};

// The folders and files of one pod. Pure.
class PodPaths {
 public:
  PodPaths(const NodePaths& node, const object::ObjectKey& key, const std::string& uid);

  // The monitor's folder, with its socket.
  const std::string& run() const { return run_; }
  std::string network_namespace() const { return run_ + "/netns"; }
  // hosts, hostname and resolv.conf.
  std::string etc(const std::string& name) const { return run_ + "/etc/" + name; }
  // A file that says for which spec the pod's sandbox was made.
  std::string spec_mark() const { return run_ + "/spec"; }

  // Everything of the pod that survives a reboot.
  const std::string& state() const { return state_; }
  std::string volumes() const { return state_ + "/volumes"; }
  // Bundle and root file system of one start of a container.
  std::string container(const std::string& id) const { return state_ + "/containers/" + id; }
  std::string containers() const { return state_ + "/containers"; }

  // As the kubelet lays them out: <logs>/<namespace>_<name>_<uid>/<container>/<attempt>.log.
  const std::string& logs() const { return logs_; }
  std::string log(const std::string& container, int attempt) const;

  std::string cgroup() const { return cgroup_; }
  std::string cgroup(const std::string& container) const { return cgroup_ + "/" + container; }

 private:
  std::string run_;
  std::string state_;
  std::string logs_;
  std::string cgroup_;
};

// Namespace and name of a pod of which only the uid is known, as the name of its folder of logs
// says; both are empty when it has none.
object::ObjectKey key_of_logs(const NodePaths& node, const std::string& uid);

// The ID of one start of a container: <uid>-<container>-<attempt>. Unique on the node; attempt is
// its restart count.
std::string container_id(const std::string& uid, const std::string& container, int attempt);

// The attempt in an ID of this pod and container; -1: it is another's.
int attempt_of(const std::string& id, const std::string& uid, const std::string& container);

// The container in an ID of this pod; empty: it is another's.
std::string container_of(const std::string& id, const std::string& uid);

}  // namespace duet::pod
