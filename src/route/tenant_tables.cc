#include "route/tenant_tables.h"

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>

#include "gateway/outbound_policy.h"

namespace duet::route {

namespace {

using gateway::BackendConfig;
using gateway::GroupBackend;
using gateway::HandlerBackend;

std::set<std::string> namespaces_with_handlers(const gateway::RouteTable& table) {
  std::set<std::string> names;
  for (const auto& backend : table.backends) {
    if (const auto* handler = std::get_if<HandlerBackend>(&backend.kind)) {
      names.insert(handler->ns);
    }
  }
  return names;
}

std::vector<object::Meta> oldest_namespaces_first(std::vector<object::Meta> namespaces) {
  std::sort(namespaces.begin(), namespaces.end(), [](const auto& a, const auto& b) {
    return std::tie(a.creation_timestamp, a.name) < std::tie(b.creation_timestamp, b.name);
  });
  return namespaces;
}

// Tenants of the namespaces that have handlers; nothing: there are too many.
std::map<std::string, std::optional<std::string>> tenants_of(
    const gateway::RouteTable& table, const std::vector<object::Meta>& namespaces,
    std::size_t tenant_limit, std::vector<RouteProblem>& problems) {
  const std::set<std::string> wanted = namespaces_with_handlers(table);
  std::map<std::string, std::optional<std::string>> tenants;
  std::set<std::string> names;
  for (const auto& one : oldest_namespaces_first(namespaces)) {
    const auto label = one.labels.find(kTenantLabel);
    if (label == one.labels.end() || label->second.empty() || !wanted.contains(one.name)) {
      continue;
    }
    if (names.size() >= tenant_limit && !names.contains(label->second)) {
      tenants[one.name] = std::nullopt;
      problems.push_back({{object::Kind::kNamespace, "", one.name},
                          one.uid,
                          "TooManyTenants",
                          "handlers of tenant " + label->second +
                              " are not served: " + std::to_string(tenant_limit) +
                              " tenants have handlers already, as many as gateway.maxTenants "
                              "allows"});
      continue;
    }
    names.insert(label->second);
    tenants[one.name] = label->second;
  }
  return tenants;
}

// Whether `handler` may ask `service`, by any of its names.
bool may_ask(const HandlerBackend& handler, const gateway::Service& service) {
  if (handler.allow_outbound.empty()) {
    return false;
  }
  const gateway::OutboundPolicy policy(handler.allow_outbound, handler.ns);
  const std::string full = service.name + "." + service.ns;
  std::vector<std::string> hosts = {full, full + ".svc", full + ".svc.cluster.local"};
  if (service.ns == handler.ns) {
    hosts.push_back(service.name);
  }
  return std::any_of(hosts.begin(), hosts.end(), [&](const std::string& host) {
    return policy.allows("http", {host, service.port}) ||
           policy.allows("https", {host, service.port});
  });
}

const BackendConfig* find_backend(const gateway::RouteTable& table, const std::string& name) {
  const auto found = std::find_if(table.backends.begin(), table.backends.end(),
                                  [&name](const auto& backend) { return backend.name == name; });
  return found == table.backends.end() ? nullptr : &*found;
}

bool is_same_port(const gateway::Service& a, const gateway::Service& b) {
  return std::tie(a.ns, a.name, a.port) == std::tie(b.ns, b.name, b.port);
}

class Divider {
 public:
  Divider(const gateway::RouteTable& whole, GroupTables& out) : whole_(whole), out_(out) {
    for (const auto& backend : whole.backends) {
      backends_[backend.name] = &backend;
    }
  }

  // Adds what the handlers of `tenant` may ask to its table, and to what its group may ask.
  void add_services(const std::string& tenant, gateway::RouteTable& table) {
    const std::vector<BackendConfig> own = table.backends;
    std::set<std::string> known;
    for (const auto& backend : own) {
      known.insert(backend.name);
    }
    gateway::WorkerGroup group{.name = tenant, .may_ask = {}};
    for (const auto& service : whole_.services) {
      const bool wanted = std::any_of(own.begin(), own.end(), [&](const auto& backend) {
        return may_ask(std::get<HandlerBackend>(backend.kind), service);
      });
      const auto backend = backends_.find(service.backend);
      if (!wanted || backend == backends_.end()) {
        continue;
      }
      table.services.push_back(service);
      if (!known.insert(service.backend).second) {
        continue;
      }
      if (const auto* handler = std::get_if<HandlerBackend>(&backend->second->kind)) {
        table.backends.push_back({service.backend, GroupBackend{"", handler->limits.wall_ms}});
        group.may_ask.push_back(service.backend);
      } else {
        table.backends.push_back(*backend->second);
      }
    }
    out_.shared.groups.push_back(std::move(group));
  }

 private:
  const gateway::RouteTable& whole_;
  GroupTables& out_;
  std::map<std::string, const BackendConfig*> backends_;
};

}  // namespace

gateway::RouteTable before_the_shared(const gateway::RouteTable& last,
                                      const gateway::RouteTable& next) {
  gateway::RouteTable out = next;
  // A handler that moves away answers here for as long as the shared table says so.
  for (auto& backend : out.backends) {
    const auto* before = find_backend(last, backend.name);
    if (std::holds_alternative<GroupBackend>(backend.kind) && before != nullptr) {
      backend = *before;
    }
  }
  std::vector<gateway::Service> late;
  std::erase_if(out.services, [&](const gateway::Service& service) {
    const auto* backend = find_backend(next, service.backend);
    const bool is_late = backend != nullptr &&
                         std::holds_alternative<GroupBackend>(backend->kind) &&
                         find_backend(last, service.backend) == nullptr;
    if (is_late) {
      late.push_back(service);
    }
    return is_late;
  });
  for (const auto& service : last.services) {
    const auto* backend = find_backend(last, service.backend);
    const bool wanted =
        std::any_of(late.begin(), late.end(),
                    [&](const auto& other) { return is_same_port(service, other); }) &&
        std::find(out.services.begin(), out.services.end(), service) == out.services.end();
    if (!wanted || backend == nullptr) {
      continue;
    }
    if (find_backend(out, service.backend) == nullptr) {
      out.backends.push_back(*backend);
    }
    out.services.push_back(service);
  }
  return out;
}

GroupTables divide_by_tenant(const gateway::RouteTable& whole,
                             const std::vector<object::Meta>& namespaces, std::size_t tenant_limit,
                             std::vector<RouteProblem>& problems) {
  GroupTables out{.shared = whole, .tenants = {}, .pod_listeners = {}};
  const auto tenants = tenants_of(whole, namespaces, tenant_limit, problems);
  for (auto& backend : out.shared.backends) {
    const auto* handler = std::get_if<HandlerBackend>(&backend.kind);
    const auto tenant = handler == nullptr ? tenants.end() : tenants.find(handler->ns);
    if (tenant == tenants.end()) {
      continue;
    }
    if (!tenant->second) {
      backend.kind = gateway::StaticBackend{.status = 503, .reason = "TooManyTenants"};
      continue;
    }
    GroupBackend remote{*tenant->second, handler->limits.wall_ms};
    out.tenants[*tenant->second].backends.push_back(backend);
    backend.kind = std::move(remote);
  }
  Divider divider(whole, out);
  for (auto& [name, table] : out.tenants) {
    table.authorities_pem = whole.authorities_pem;
    divider.add_services(name, table);
  }
  return out;
}

}  // namespace duet::route
