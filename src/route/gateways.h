#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "route/gateway_process.h"
#include "route/tenant_tables.h"
#include "sys/cgroup.h"
#include "sys/clock.h"

namespace duet::route {

// Where the gateways of tenants are.
struct TenantOptions {
  // Gets a folder for each, named like it. Beside it, <directory>-left has those that are left and
  // whose cgroup is still there.
  std::string directory;
  std::size_t limit = 16;              // with handlers at the same time
  std::int64_t start_wait_ms = 2'000;  // from a gateway's start, that serve() waits for it
  // After a failure its next start waits, twice as long each time.
  std::int64_t backoff_first_ms = 1'000;
  std::int64_t backoff_limit_ms = 60'000;
  const sys::Cgroups* cgroups = nullptr;  // null: they stay in the agent's cgroup
};

// The gateways of this node, one for each worker group: the shared one, which has the clients, and
// one for each tenant with handlers. All outlive the agent, and are found by the next. Used by one
// thread at a time, except for what says otherwise.
class Gateways {
 public:
  // How long a tenant's gateway may still answer requests that began before it was left.
  static constexpr std::int64_t kLeaveMs = 60'000;

  // `clock` must outlive this.
  Gateways(GatewayOptions shared, TenantOptions tenants, wasm::CodeCache& cache,
           const sys::Clock& clock);

  // Makes all of them serve their tables: tenants first, so that a handler is there before the
  // shared table names it; then the shared group, and what tenants want of that; then tenants that
  // have no table are left, and end when nobody asks them any more. An error is the shared group's.
  // `problems` gets, by the tenant, why it could not be served; its requests are answered by 503.
  Status serve(const GroupTables& tables, std::map<std::string, std::string>& problems);
  // How long until it is worth while to try those again that could not be served, tenants and
  // listeners of pods.
  std::int64_t retry_ms() const;

  // Readable when one of them has ended that should run; none: serve() did not succeed yet.
  std::vector<int> ended_fds() const;
  bool any_ended() const;
  // Lets go of what is left of tenants whose gateways have ended meanwhile.
  void tidy();

  // Where the listeners are, with the ports that the kernel chose.
  const std::vector<gateway::Listener>& listeners() const { return shared_.listeners(); }
  // Listeners of pods, by their names, that the last serve() could not open, and why.
  const std::map<std::string, std::string>& unopened() const { return shared_.unopened(); }
  // What all counted, in Prometheus' text format. kUnavailable: the shared one does not run.
  // Thread-safe.
  Result<std::string> metrics() const;
  // Ends all after what is in flight, at the latest after `timeout_ms`, the tenants' last.
  Status stop(std::int64_t timeout_ms);

 private:
  struct Leaving {
    std::string name;
    GatewayProcess process;
  };
  GatewayProcess make_tenant(const std::string& name) const;
  Status serve_tenant(const std::string& name, const gateway::RouteTable& table);
  Status try_tenant(const std::string& name, const gateway::RouteTable& table,
                    const gateway::RouteTable& wanted);
  void note_failure(const std::string& name, const Error& error, const gateway::RouteTable& wanted);
  gateway::RouteTable first_table(const std::string& name, const gateway::RouteTable& next) const;
  void note_unopened();
  void leave_others(const GroupTables& tables, std::int64_t timeout_ms);
  void leave(const std::string& name, std::int64_t timeout_ms);
  std::string directory_of(const std::string& name) const {
    return tenants_.directory + "/" + name;
  }
  std::string left_directory() const { return tenants_.directory + "-left"; }

  GatewayOptions shared_options_;
  TenantOptions tenants_;
  wasm::CodeCache& cache_;
  const sys::Clock& clock_;
  GatewayProcess shared_;
  struct Tenant {
    GatewayProcess process;
    gateway::RouteTable table;  // that it has
  };
  std::map<std::string, Tenant> processes_;  // of tenants that have a table
  struct Trouble {
    Error error;
    gateway::RouteTable wanted;  // with another one it is tried at once
    std::int64_t delay_ms = 0;
    sys::MonotonicTime retry_at;
  };
  std::map<std::string, Trouble> troubles_;  // of tenants that could not be served
  std::int64_t pods_retry_ms_ = 0;           // of listeners that could not be opened; 0: none
  std::list<Leaving> leaving_;
};

}  // namespace duet::route
