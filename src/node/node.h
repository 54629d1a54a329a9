#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "gateway/config.h"
#include "node/config.h"
#include "source/folder.h"
#include "store/store.h"

// The whole node: every room, put together. The only place that knows them all.
namespace duet::node {

// What a node tells of itself while it runs; any thread.
struct NodeReports {
  std::function<void(const std::string& line)> log;
  std::function<void(const source::FolderReport& report)> folder;
  std::function<void(const gateway::RouteTable& table)> routes;
};

class Node {
 public:
  // Starts everything, and takes over what an agent before us left running. kAlreadyExists: another
  // agent uses these folders. A missing OCI runtime, CNI plugin or right is no error: it is logged,
  // and pods that need it say so.
  static Result<std::unique_ptr<Node>> start(const NodeConfig& config, NodeReports reports);
  // Leaves pods and gateway running for the next agent.
  virtual ~Node() = default;

  // Ends the gateway and all pods with their grace periods, and keeps their objects for the next
  // start.
  virtual Status stop_site() = 0;

  virtual store::Store& store() = 0;
};

}  // namespace duet::node
