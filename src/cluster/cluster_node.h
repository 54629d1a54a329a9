#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/identity.h"
#include "cluster/node_object.h"
#include "store/store.h"
#include "sys/clock.h"
#include "sys/randomness.h"

namespace duet::cluster {

// Another Node object of the same machine, for pods of its own.
struct SecondNode {
  NodeFacts facts;
  std::string directory;  // keeps its certificate: <state>/cluster/wasm
};

struct ClusterOptions {
  JoinOptions join;
  NodeFacts facts;
  std::optional<SecondNode> second;                // nothing: the machine is one Node
  std::string directory;                           // what is kept of the cluster: <state>/cluster
  std::string measured_path;                       // on the file system that pods fill
  std::function<std::vector<NodeImage>()> images;  // asked with every beat, by one thread
  std::string ingress_class;    // of the Ingresses that are routes of this node; empty: none
  std::string ingress_address;  // that their status says, an IP address or a name; empty: none
  std::string gateway;  // whose HTTPRoutes are routes of this node, NAMESPACE/NAME; empty: none
  // The API server has been silent for away_ms, or answers again. It is away until it answered
  // once. On a thread of the node; none: nobody asks.
  std::function<void(bool away)> presence;
  // The Services are in the store as the cluster has them, or may not be seen. On a thread of the
  // node, more than once; none: nobody waits.
  std::function<void()> services_heard;
  std::int64_t away_ms = 40'000;
  std::int64_t beat_ms = 10'000;
  std::int64_t backoff_first_ms = 1'000;
  std::int64_t backoff_limit_ms = 60'000;
  std::function<void(const std::string& line)> log;
};

// Whether a Node may be called that: a DNS subdomain (RFC 1123), in lower case.
bool is_node_name(const std::string& name);

// This machine as a node of a cluster, or as two: joins, keeps Nodes and Leases, brings their pods
// into the store and their status back, and what routes are made of. Needs nobody to start: without
// a line to the cluster it goes on trying, and what is in the store stays. Threads of its own.
class ClusterNode {
 public:
  // kInvalid: the options lead to no cluster. `store`, `clock` and `random` must outlive it.
  static Result<std::unique_ptr<ClusterNode>> start(store::Store& store, const sys::Clock& clock,
                                                    sys::Random& random, ClusterOptions options);
  // Stops. Pods, Node and Lease stay as they are.
  virtual ~ClusterNode() = default;

  // Where the API server is, and what this node shows it; changes when certificates do. Lives as
  // long as this.
  virtual const CurrentAccess& access() const = 0;
  // The same of the second Node; null: there is none.
  virtual const CurrentAccess* second_access() const = 0;
};

}  // namespace duet::cluster
