#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/context.h"
#include "base/result.h"
#include "cluster/node_object.h"
#include "node/config.h"
#include "node/host.h"
#include "store/store.h"
#include "sys/clock.h"
#include "sys/randomness.h"

namespace duet::node {

// What of this machine its cluster's side is made of. All of it outlives that.
struct ClusterParts {
  const NodeConfig& config;
  const Host& host;
  store::Store& store;
  const sys::Clock& clock;
  sys::Random& random;
  api::Context api;
  std::function<std::vector<cluster::NodeImage>()> images;
  std::function<void(bool away)> presence;  // of the API server
  std::function<void()> services_heard;     // once the store has the cluster's Services
  std::function<void(const std::string& line)> log;
};

// What a cluster has of this machine: one Node or two, and the kubelet's API of each.
class ClusterSide {
 public:
  // kInvalid: the configuration leads to no cluster. A kubelet's API that cannot listen is no
  // error: it is logged, and its Node runs pods all the same.
  static Result<std::unique_ptr<ClusterSide>> start(ClusterParts parts);
  // Stops; pods and Nodes stay as they are.
  virtual ~ClusterSide() = default;
};

}  // namespace duet::node
