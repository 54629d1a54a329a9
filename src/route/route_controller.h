#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "gateway/config.h"
#include "pod/handlers.h"
#include "route/gateways.h"
#include "route/static_folders.h"
#include "store/store.h"
#include "sys/clock.h"

namespace duet::route {

// Keeps the gateways' routes what the store's objects say. Restarts a gateway that ended.
class RouteController {
 public:
  struct Options {
    GatewayOptions gateway;
    TenantOptions tenants;
    gateway::RoutePolicy defaults;  // for routes that say nothing
    StaticFolders folders;
    std::string ca_file;  // authorities for handlers' https, PEM; empty: the system's alone
    std::function<void(const std::string& line)> log;
    // Called with the routes after each change that the gateway took, from the controller's thread.
    std::function<void(const gateway::RouteTable& table)> served;
    // Whether a cluster says nothing of its pods at the moment; none: there is no cluster. A change
    // must wake() the controller.
    std::function<bool()> cluster_is_away;
    // How long routes wait, after the start, for handlers that the store calls ready and nobody has
    // loaded yet.
    std::int64_t settle_ms = 10'000;
  };

  // What it is given must outlive it.
  static Result<std::unique_ptr<RouteController>> start(store::Store& store,
                                                        const pod::Handlers& handlers,
                                                        wasm::CodeCache& cache,
                                                        const sys::Clock& clock, Options options);
  // Stops keeping; the gateway runs on.
  virtual ~RouteController() = default;

  // Something that no object shows has changed (a handler was loaded). Thread-safe.
  virtual void wake() = 0;
  // What the gateways have counted, in Prometheus' text format. kUnavailable: none runs.
  // Thread-safe.
  virtual Result<std::string> gateway_metrics() const = 0;
  // Ends the gateways as well.
  virtual Status stop_gateway(std::int64_t timeout_ms) = 0;
};

}  // namespace duet::route
