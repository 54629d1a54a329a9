#include "route/gateways.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

#include "observe/exposition.h"
#include "sys/file.h"

namespace duet::route {

namespace {

std::string cgroup_of(const std::string& tenant) { return "/duet/tenant-" + tenant; }

void wait_until_ended(const GatewayProcess& process, std::int64_t timeout_ms) {
  pollfd ended{process.ended_fd(), POLLIN, 0};
  if (ended.fd >= 0) {
    (void)::poll(&ended, 1, static_cast<int>(timeout_ms));
  }
}

std::vector<std::string> names_in(const std::string& directory) {
  return sys::list_directory(directory).value_or(std::vector<std::string>());
}

}  // namespace

Gateways::Gateways(GatewayOptions shared, TenantOptions tenants, wasm::CodeCache& cache,
                   const sys::Clock& clock)
    : shared_options_(shared),
      tenants_(std::move(tenants)),
      cache_(cache),
      clock_(clock),
      shared_(std::move(shared), cache) {}

// As the shared one, but without clients.
GatewayProcess Gateways::make_tenant(const std::string& name) const {
  GatewayOptions options = shared_options_;
  options.run_directory = directory_of(name);
  options.listeners = {
      {.name = "group", .address = options.run_directory + "/group.sock", .group = true}};
  options.forwarding = {};
  options.access_log.clear();
  options.start_wait_ms = tenants_.start_wait_ms;
  options.cgroup_procs_files.clear();
  if (tenants_.cgroups != nullptr) {
    options.cgroup_procs_files = tenants_.cgroups->procs_files(cgroup_of(name));
  }
  return {std::move(options), cache_};
}

Status Gateways::serve_tenant(const std::string& name, const gateway::RouteTable& table) {
  if (tenants_.cgroups != nullptr) {
    DUET_TRY(tenants_.cgroups->create(cgroup_of(name)));
  }
  auto found = processes_.find(name);
  if (found == processes_.end()) {
    found = processes_.emplace(name, Tenant{make_tenant(name), {}}).first;
  }
  DUET_TRY(found->second.process.serve(table));
  found->second.table = table;
  return {};
}

// The table of a tenant for the moment; for one of an agent before this there is none but `next`.
gateway::RouteTable Gateways::first_table(const std::string& name,
                                          const gateway::RouteTable& next) const {
  const auto found = processes_.find(name);
  return found == processes_.end() ? next : before_the_shared(found->second.table, next);
}

// One that does not come up must not hold up the others each time.
Status Gateways::try_tenant(const std::string& name, const gateway::RouteTable& table,
                            const gateway::RouteTable& wanted) {
  const auto trouble = troubles_.find(name);
  if (trouble != troubles_.end() && clock_.monotonic() < trouble->second.retry_at &&
      trouble->second.wanted == wanted) {
    return trouble->second.error;
  }
  const Status served = serve_tenant(name, table);
  if (served.ok()) {
    troubles_.erase(name);
  } else {
    note_failure(name, served.error(), wanted);
  }
  return served;
}

void Gateways::note_failure(const std::string& name, const Error& error,
                            const gateway::RouteTable& wanted) {
  std::int64_t delay_ms = tenants_.backoff_first_ms;
  if (const auto last = troubles_.find(name);
      last != troubles_.end() && error.code() != ErrorCode::kUnavailable) {
    delay_ms = std::min(2 * last->second.delay_ms, tenants_.backoff_limit_ms);
  }
  troubles_.insert_or_assign(
      name,
      Trouble{error, wanted, delay_ms, clock_.monotonic() + std::chrono::milliseconds(delay_ms)});
}

std::int64_t Gateways::retry_ms() const {
  std::int64_t wait_ms = pods_retry_ms_ > 0 ? pods_retry_ms_ : tenants_.backoff_limit_ms;
  for (const auto& [name, trouble] : troubles_) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(trouble.retry_at - clock_.monotonic());
    wait_ms = std::clamp<std::int64_t>(left.count(), 1, wait_ms);
  }
  return wait_ms;
}

// A port that somebody in the pod has is not asked for every second.
void Gateways::note_unopened() {
  pods_retry_ms_ = unopened().empty() ? 0
                                      : std::clamp(2 * pods_retry_ms_, tenants_.backoff_first_ms,
                                                   tenants_.backoff_limit_ms);
}

Status Gateways::serve(const GroupTables& tables, std::map<std::string, std::string>& problems) {
  std::vector<GroupWay> ways;
  for (const auto& [name, table] : tables.tenants) {
    const Status served = try_tenant(name, first_table(name, table), table);
    if (served.ok()) {
      ways.push_back({name, processes_.at(name).process.group_sockets()});
    } else {
      problems[name] = served.error().message();
    }
  }
  DUET_TRY(shared_.serve(tables.shared, ways, tables.pod_listeners));
  note_unopened();
  for (const GroupWay& way : ways) {
    const gateway::RouteTable& table = tables.tenants.at(way.name);
    if (processes_.at(way.name).table == table) {
      continue;
    }
    if (const Status served = try_tenant(way.name, table, table); !served.ok()) {
      problems[way.name] = served.error().message();
    }
  }
  leave_others(tables, kLeaveMs);
  return {};
}

// Also those that an agent before this one has started.
void Gateways::leave_others(const GroupTables& tables, std::int64_t timeout_ms) {
  std::erase_if(troubles_, [&](const auto& one) { return !tables.tenants.contains(one.first); });
  for (const std::string& name : names_in(tenants_.directory)) {
    if (!tables.tenants.contains(name)) {
      leave(name, timeout_ms);
    }
  }
  tidy();
}

// Its folder is kept until its cgroup is gone, also for the next agent to see.
void Gateways::leave(const std::string& name, std::int64_t timeout_ms) {
  auto node = processes_.extract(name);
  leaving_.push_back({name, node ? std::move(node.mapped().process) : make_tenant(name)});
  (void)leaving_.back().process.stop(timeout_ms);
  const std::string left = left_directory() + "/" + name;
  (void)sys::remove_tree(left);  // of the time before
  if (!sys::make_directories(left_directory(), 0700).ok() ||
      std::rename(directory_of(name).c_str(), left.c_str()) != 0) {
    (void)sys::remove_tree(directory_of(name));
  }
}

void Gateways::tidy() {
  std::erase_if(leaving_, [](const Leaving& one) {
    return one.process.ended_fd() < 0 || one.process.ended();
  });
  for (const std::string& name : names_in(left_directory())) {
    const bool ends = std::any_of(leaving_.begin(), leaving_.end(),
                                  [&](const Leaving& one) { return one.name == name; });
    // A cgroup that has processes cannot be removed: those of a gateway that an agent before this
    // has left.
    if (!ends && (tenants_.cgroups == nullptr || processes_.contains(name) ||
                  tenants_.cgroups->remove(cgroup_of(name)).ok())) {
      (void)sys::remove_tree(left_directory() + "/" + name);
    }
  }
}

std::vector<int> Gateways::ended_fds() const {
  std::vector<int> fds;
  if (shared_.ended_fd() >= 0) {
    fds.push_back(shared_.ended_fd());
    for (const auto& [name, tenant] : processes_) {
      if (tenant.process.ended_fd() >= 0) {
        fds.push_back(tenant.process.ended_fd());
      }
    }
  }
  return fds;
}

bool Gateways::any_ended() const {
  return shared_.ended() || std::any_of(processes_.begin(), processes_.end(),
                                        [](const auto& one) { return one.second.process.ended(); });
}

Result<std::string> Gateways::metrics() const {
  DUET_ASSIGN(std::string text, shared_.metrics());
  std::map<std::string, gateway::WorkerStatus> tenants;
  for (const std::string& name : names_in(tenants_.directory)) {
    if (auto status = make_tenant(name).status(); status.ok()) {
      tenants.emplace(name, *status);
    }
  }
  if (tenants.empty()) {
    return text;
  }
  observe::Exposition out;
  const auto family = [&](std::string_view name, std::string_view type, std::string_view help,
                          const auto& value) {
    out.family(name, type, help);
    for (const auto& [tenant, status] : tenants) {
      out.sample({{"tenant", tenant}}, static_cast<std::uint64_t>(value(status)));
    }
  };
  family("duet_tenant_workers", "gauge", "Gateway workers of a tenant.",
         [](const auto& status) { return status.workers; });
  family("duet_tenant_worker_restarts_total", "counter",
         "Gateway workers of a tenant that ended and were replaced.",
         [](const auto& status) { return status.restarts; });
  family("duet_tenant_requests_in_flight", "gauge",
         "Requests that a tenant's handlers are answering.",
         [](const auto& status) { return status.requests_in_flight; });
  return text + out.take();
}

Status Gateways::stop(std::int64_t timeout_ms) {
  const Status stopped = shared_.stop(timeout_ms);
  if (names_in(tenants_.directory).empty() && names_in(left_directory()).empty()) {
    return stopped;
  }
  // Requests that the shared group finishes may still need the others.
  wait_until_ended(shared_, timeout_ms);
  leave_others({}, timeout_ms);
  for (const Leaving& one : leaving_) {
    wait_until_ended(one.process, timeout_ms);
  }
  for (const std::string& name : names_in(left_directory())) {
    if (tenants_.cgroups != nullptr) {
      (void)tenants_.cgroups->wait_until_empty(cgroup_of(name), timeout_ms);
    }
  }
  tidy();
  return stopped;
}

}  // namespace duet::route
