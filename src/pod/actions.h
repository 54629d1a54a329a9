#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "object/pod.h"
#include "pod/runtime.h"

// The actions of probes and lifecycle hooks: HTTP GET, TCP connect, a command in the container.
namespace duet::pod {

// Where an action happens.
struct ActionTarget {
  std::string pod_ip;
  object::Container container;  // its ports have the names
  std::string id;               // of the container's present start
  PodPaths paths;
  std::optional<monitor::MonitorClient> monitor;
  Runtime* runtime = nullptr;  // outlives the target
};

// Thread-safe; a seam, so that the rules above can be tested without a network.
class Actions {
 public:
  virtual ~Actions() = default;
  // Success, or why not: a status that is not 2xx or 3xx, a refused connection, a command that
  // failed, no end within `timeout_ms`.
  virtual Status run(const object::Handler& handler, const ActionTarget& target,
                     int64_t timeout_ms) = 0;
};

// The real ones.
class NetworkActions final : public Actions {
 public:
  Status run(const object::Handler& handler, const ActionTarget& target,
             int64_t timeout_ms) override;
};

// The number of a port given as a number or by its name in the container's ports.
Result<int> port_number(const object::Container& container, const std::string& port);

}  // namespace duet::pod
