#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cluster/json_field.h"
#include "object/object.h"
#include "sys/clock.h"
#include "sys/machine.h"

// The Node object (core/v1) of this machine. Pure functions, thread-safe.
namespace duet::cluster {

struct Taint {
  std::string key;
  std::string value;
  std::string effect;  // NoSchedule, PreferNoSchedule, NoExecute
};

// What does not change while an agent runs.
struct NodeFacts {
  std::string name;
  std::string host_name;
  std::string address;       // of the host, for InternalIP
  std::string architecture;  // kubernetes.io/arch
  std::string os;            // kubernetes.io/os
  object::StringMap labels;  // beside those that every node has
  std::vector<Taint> taints;
  std::int64_t pod_limit = 110;  // of the machine
  // Which part of the machine this Node has, and which part pods may use: less, where another Node
  // of the machine offers the rest.
  int capacity_percent = 100;
  int allocatable_percent = 100;
  std::vector<std::string> runtime_handlers;  // of RuntimeClasses, beside the one without a name
  int kubelet_port = 0;                       // of the kubelet's API; 0: this node has none
  sys::Machine machine;
};

// One image that the node has.
struct NodeImage {
  std::vector<std::string> names;  // by digest, then by tag
  std::int64_t size_bytes = 0;
};

// What changes.
struct NodeMeasures {
  sys::MachineUse use;
  std::vector<NodeImage> images;  // in the order in which they are told
};

// As a Wasm node beside the kubelet of the same machine: pods come that ask for it by node selector
// and toleration, and no others.
NodeFacts wasm_node(NodeFacts facts);
// As the only node of the machine: containers and Wasm, in one pod too. The facts have the
// machine's architecture.
NodeFacts whole_node(NodeFacts facts);

// Two Nodes of one machine: `second` offers `percent` (1 to 99) of it and `first` leaves that to
// it, so that nothing is promised twice.
void share_machine(NodeFacts& first, NodeFacts& second, int percent);

// Labels that this node has set on itself.
object::StringMap node_labels(const NodeFacts& facts);

// The whole object, as a node makes its own.
Json node_object(const NodeFacts& facts, const NodeMeasures& measures, sys::WallTime now);

// What its `status` says at `now`. `earlier`: the status that the server has, for the times of
// conditions that did not change, or null.
Json node_status(const NodeFacts& facts, const NodeMeasures& measures, const Json& earlier,
                 sys::WallTime now);

// Whether they differ in more than when they were measured.
bool differs(const Json& status, const Json& other);

// The Lease (coordination.k8s.io/v1) in kube-node-lease by which a node says that it lives.
inline constexpr int kLeaseSeconds = 40;
Json node_lease(const std::string& node, const std::string& node_uid, sys::WallTime now);
// What renews it.
Json lease_renewal(const std::string& node, sys::WallTime now);

}  // namespace duet::cluster
