#include "route/table_builder.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "object/format.h"
#include "route/certificates.h"
#include "route/endpoints.h"
#include "route/handler_limits.h"
#include "route/oldest_first.h"
#include "route/route_policy.h"
#include "route/service_slices.h"
#include "route/static_backend.h"
#include "route/upstream_policy.h"

namespace duet::route {

namespace {

// An appProtocol of Kubernetes: HTTP/2 without TLS, by prior knowledge.
constexpr std::string_view kCleartextHttp2 = "kubernetes.io/h2c";
constexpr std::string_view kTcp = "TCP";  // the protocol of the ports that HTTP can reach

gateway::PathMatch path_match(const std::string& type, const std::string& path) {
  using Type = gateway::PathMatch::Type;
  const Type kind = type == "Exact"               ? Type::kExact
                    : type == "RegularExpression" ? Type::kRegularExpression
                                                  : Type::kPrefix;
  return {kind, path.empty() ? "/" : path};
}

std::vector<gateway::Header> headers(const std::vector<object::HttpHeader>& from) {
  std::vector<gateway::Header> out;
  out.reserve(from.size());
  for (const auto& one : from) {
    out.push_back({one.name, one.value});
  }
  return out;
}

void add_modifier(const object::HeaderFilter& from, gateway::HeaderModifier& to) {
  const auto set = headers(from.set);
  const auto add = headers(from.add);
  to.set.insert(to.set.end(), set.begin(), set.end());
  to.add.insert(to.add.end(), add.begin(), add.end());
  to.remove.insert(to.remove.end(), from.remove.begin(), from.remove.end());
}

std::optional<gateway::PathModifier> path_modifier(
    const std::optional<object::PathModifier>& from) {
  using Type = gateway::PathModifier::Type;
  if (!from) {
    return std::nullopt;
  }
  return gateway::PathModifier{
      from->replace_prefix ? Type::kReplacePrefixMatch : Type::kReplaceFullPath, from->value};
}

gateway::Filters plain_filters(const std::vector<object::HttpRouteFilter>& from) {
  using Type = object::HttpRouteFilter::Type;
  gateway::Filters out;
  for (const auto& filter : from) {
    switch (filter.type) {
      case Type::kRequestHeaderModifier:
        add_modifier(filter.headers, out.request_headers);
        break;
      case Type::kResponseHeaderModifier:
        add_modifier(filter.headers, out.response_headers);
        break;
      case Type::kRequestRedirect:
        out.redirect = gateway::Redirect{filter.redirect.scheme, filter.redirect.hostname,
                                         path_modifier(filter.redirect.path), filter.redirect.port,
                                         filter.redirect.status_code};
        break;
      case Type::kUrlRewrite:
        out.rewrite =
            gateway::UrlRewrite{filter.rewrite.hostname, path_modifier(filter.rewrite.path)};
        break;
      case Type::kExtensionRef:
        break;  // Backends::filters_of
    }
  }
  return out;
}

std::vector<gateway::ValueMatch> value_matches(const std::vector<object::ValueMatch>& from) {
  std::vector<gateway::ValueMatch> out;
  out.reserve(from.size());
  for (const auto& one : from) {
    out.push_back({one.name, one.value, one.regular_expression});
  }
  return out;
}

// A backend's part of a rule's requests, in any unit.
struct Share {
  std::string backend;
  double share = 1;
  gateway::Filters filters;
};

// The shares as whole numbers that keep their proportions. What has a share at all keeps one.
std::vector<gateway::WeightedBackend> weigh(std::vector<Share> shares) {
  constexpr double kSum = 1'000'000'000;  // of all weights; fits 32 bits
  double sum = 0;
  for (const auto& one : shares) {
    sum += one.share;
  }
  std::vector<gateway::WeightedBackend> out;
  for (auto& one : shares) {
    const auto weight =
        one.share > 0 ? std::max<std::uint32_t>(
                            1, static_cast<std::uint32_t>(std::lround(one.share / sum * kSum)))
                      : 0;
    out.push_back({std::move(one.backend), weight, std::move(one.filters)});
  }
  return out;
}

// Turns references to Services into shares of backends, and collects the backends that are needed.
class Backends {
 public:
  Backends(const SiteObjects& site, BuiltTable& built)
      : site_(site), slices_(site.endpoint_slices), built_(built) {}

  struct Reference {
    std::string ns;
    std::string service;
    int port_number = 0;
    std::string port_name;
    double weight = 1;
  };

  // Appends what `reference` stands for; `missing_status` answers when there is no such Service or
  // port.
  void add(const object::Meta& owner, object::Kind kind, const Reference& reference,
           int missing_status, const gateway::Filters& filters, std::vector<Share>& into) {
    const auto* service = find_service(reference.ns, reference.service);
    const auto* port = service == nullptr ? nullptr : find_port(*service, reference);
    if (port == nullptr) {
      const std::string what =
          "service " + reference.ns + "/" + reference.service +
          (service == nullptr ? " does not exist" : " has no port " + port_text(reference));
      built_.problems.push_back({{kind, owner.ns, owner.name}, owner.uid, "BackendNotFound", what});
      const std::string name = "missing/" + std::to_string(missing_status);
      put({name, gateway::StaticBackend{.status = missing_status, .reason = "ServiceNotFound"}});
      into.push_back({name, reference.weight, filters});
      return;
    }
    for (auto& part : parts_of(*service, *port)) {
      into.push_back({std::move(part.backend), reference.weight * part.fraction, filters});
    }
  }

  // `from` with the handlers that stand before the backends of `owner`.
  gateway::Filters filters_of(const object::Meta& owner,
                              const std::vector<object::HttpRouteFilter>& from) {
    gateway::Filters out = plain_filters(from);
    for (const auto& filter : from) {
      if (filter.type == object::HttpRouteFilter::Type::kExtensionRef) {
        out.handlers.push_back(filter_handler(owner, filter.service));
      }
    }
    return out;
  }

  // Makes every port of every Service reachable for handlers by name.
  void publish_services() {
    for (const auto& service : site_.services) {
      for (const auto& port : service.ports) {
        if (port.protocol != kTcp) {
          continue;
        }
        std::vector<Share> shares;
        for (auto& part : parts_of(service, port)) {
          shares.push_back({std::move(part.backend), part.fraction, {}});
        }
        for (auto& one : weigh(std::move(shares))) {
          built_.table.services.push_back(
              {service.meta.ns, service.meta.name, port.port, std::move(one.backend), one.weight});
        }
      }
    }
  }

  // A route to each handler from its pod's own address. Like a process it is answered there whether
  // the pod is ready or not.
  void publish_pods() {
    std::set<std::string> taken;
    for (const auto& handler : site_.handlers) {
      gateway::Route route{.name = "Pod " + handler.pod.ns + "/" + handler.pod.name,
                           .policy = site_.defaults};
      for (auto& listener : pod_listeners_of(handler)) {
        if (!taken.insert(listener.listener.name).second) {
          note_pod(handler, "PodPortTaken",
                   "container " + handler.container + " is not answered at " +
                       listener.listener.address + ": another container of the pod is");
        } else if (built_.pod_listeners.size() >= kPodListenerLimit) {
          note_pod(handler, "TooManyPodPorts",
                   "container " + handler.container + " is not answered at " +
                       listener.listener.address + ": handlers have " +
                       std::to_string(kPodListenerLimit) + " ports already");
        } else {
          route.listeners.push_back(listener.listener.name);
          built_.pod_listeners.push_back(std::move(listener));
        }
      }
      if (!route.listeners.empty()) {
        const std::string name = handler_name(handler);
        put_handler(name, handler);
        route.rules = {{.backends = {{.backend = name}}}};
        built_.table.routes.push_back(std::move(route));
      }
    }
  }

 private:
  void note_pod(const pod::HandlerInstance& handler, const char* reason, std::string message) {
    built_.problems.push_back({handler.pod, handler.uid, reason, std::move(message)});
  }

  static std::string port_text(const Reference& reference) {
    return reference.port_name.empty() ? std::to_string(reference.port_number)
                                       : reference.port_name;
  }

  const object::Service* find_service(const std::string& ns, const std::string& name) const {
    const auto found =
        std::find_if(site_.services.begin(), site_.services.end(),
                     [&](const auto& one) { return one.meta.ns == ns && one.meta.name == name; });
    return found == site_.services.end() ? nullptr : &*found;
  }

  static const object::ServicePort* find_port(const object::Service& service,
                                              const Reference& reference) {
    const auto found =
        std::find_if(service.ports.begin(), service.ports.end(), [&](const auto& one) {
          return one.protocol == kTcp &&
                 (reference.port_name.empty() ? one.port == reference.port_number
                                              : one.name == reference.port_name);
        });
    return found == service.ports.end() ? nullptr : &*found;
  }

  // A backend of a Service and its fraction of the Service's requests.
  struct Part {
    std::string backend;
    double fraction = 1;
  };

  // A Service's handlers and containers by their numbers.
  std::vector<Part> parts_of(const object::Service& service, const object::ServicePort& port) {
    if (auto files = find_static_backend(service, site_)) {
      note_problem(service, *files);
      const std::string name = files->backend.name;
      put(std::move(files->backend));
      return {{name, 1}};
    }
    const Endpoints endpoints = endpoints_of(
        service, port, {site_.pods, site_.handlers, slices_.of(service), site_.cluster_is_away});
    const size_t count = endpoints.handlers.size() + endpoints.addresses.size();
    const auto fraction = [&](size_t part) {
      return count == 0 ? 1 : static_cast<double>(part) / static_cast<double>(count);
    };
    std::vector<Part> out;
    for (const auto* handler : endpoints.handlers) {
      const std::string name = handler_name(*handler);
      put_handler(name, *handler);
      out.push_back({name, fraction(1)});
    }
    if (endpoints.handlers.empty() || !endpoints.addresses.empty()) {
      const std::string name =
          "service/" + service.meta.ns + "/" + service.meta.name + ":" + std::to_string(port.port);
      put_containers(
          service, name,
          {.endpoints = endpoints.addresses, .http2 = port.app_protocol == kCleartextHttp2});
      out.push_back({name, fraction(endpoints.addresses.size())});
    }
    return out;
  }

  // The handler of a Service that is named as a filter: the first that is ready. Where there is
  // none every request gets an error: a filter is never passed over.
  std::string filter_handler(const object::Meta& owner, const std::string& name) {
    const auto* service = find_service(owner.ns, name);
    const bool has_port = service != nullptr && !service->ports.empty();
    const std::vector<const object::EndpointSlice*> nobody_else;  // a filter answers in the gateway
    const Endpoints endpoints = has_port
                                    ? endpoints_of(*service, service->ports.front(),
                                                   {site_.pods, site_.handlers, nobody_else, false})
                                    : Endpoints{};
    const bool wagi =
        !endpoints.handlers.empty() && endpoints.handlers.front()->use == engine::Use::kWagi;
    if (!endpoints.handlers.empty() && !wagi) {
      const auto& handler = *endpoints.handlers.front();
      const std::string backend = handler_name(handler);
      put_handler(backend, handler);
      return backend;
    }
    if (has_port && !wagi && endpoints.addresses.empty()) {
      put({"filter/none", gateway::StaticBackend{.status = 503, .reason = "NoEndpoints"}});
      return "filter/none";
    }
    const char* what = service == nullptr ? " does not exist"
                       : wagi             ? " is of a WAGI handler, which cannot pass requests on"
                       : has_port         ? " is of containers, and only a handler can be a filter"
                                          : " has no port";
    built_.problems.push_back({{object::Kind::kHttpRoute, owner.ns, owner.name},
                               owner.uid,
                               "FilterNotFound",
                               "the filter's service " + owner.ns + "/" + name + what});
    put({"filter/missing", gateway::StaticBackend{.status = 500, .reason = "FilterNotFound"}});
    return "filter/missing";
  }

  // Once, though every route and port asks.
  void note_problem(const object::Service& service, const StaticBackendOfService& files) {
    if (!files.problem.empty() && !known_.contains(files.backend.name)) {
      built_.problems.push_back({{object::Kind::kService, service.meta.ns, service.meta.name},
                                 service.meta.uid,
                                 "StaticFilesNotFound",
                                 files.problem});
    }
  }

  void put_containers(const object::Service& service, const std::string& name,
                      gateway::ProxyBackend backend) {
    if (known_.contains(name)) {
      return;
    }
    std::vector<std::string> problems;
    read_upstream_policy(service.meta.annotations, backend, problems);
    for (const auto& problem : problems) {
      built_.problems.push_back({{object::Kind::kService, service.meta.ns, service.meta.name},
                                 service.meta.uid,
                                 "InvalidAnnotation",
                                 problem});
    }
    put({name, std::move(backend)});
  }

  static std::string handler_name(const pod::HandlerInstance& handler) {
    return "handler/" + handler.pod.ns + "/" + handler.pod.name + "/" + handler.container;
  }

  void put_handler(const std::string& name, const pod::HandlerInstance& handler) {
    if (known_.contains(name)) {
      return;
    }
    auto policy = handler_policy(handler.resources, handler.annotations);
    if (handler.use == engine::Use::kWagi && !policy.allow_outbound.empty()) {
      policy.allow_outbound.clear();
      policy.problems.emplace_back(
          "annotation duet.edge/allow-outbound: without effect on a WAGI handler, which has no way "
          "to connect");
    }
    if (handler.use != engine::Use::kWagi && std::exchange(policy.passes_authorization, false)) {
      policy.problems.emplace_back(
          "annotation duet.edge/wagi-authorization: without effect on a component, which sees "
          "every field");
    }
    for (const auto& problem : policy.problems) {
      built_.problems.push_back({handler.pod, handler.uid, "InvalidAnnotation", problem});
    }
    put({name, gateway::HandlerBackend{.code = handler.code_digest,
                                       .use = handler.use,
                                       .env = handler.environment,
                                       .args = handler.args,
                                       .limits = policy.limits,
                                       .allow_outbound = std::move(policy.allow_outbound),
                                       .ns = handler.pod.ns,
                                       .log_path = handler.log_path,
                                       .passes_authorization = policy.passes_authorization}});
  }

  void put(gateway::BackendConfig backend) {
    if (known_.emplace(backend.name, true).second) {
      built_.table.backends.push_back(std::move(backend));
    }
  }

  const SiteObjects& site_;
  ServiceSlices slices_;
  BuiltTable& built_;
  std::map<std::string, bool> known_;
};

Backends::Reference reference_of(const object::Meta& meta, const object::IngressBackend& backend) {
  return {meta.ns, backend.service, backend.port_number, backend.port_name, 1};
}

constexpr int kIngressMissing = 503;
constexpr int kHttpRouteMissing = 500;

void add_ingress(const object::Ingress& ingress, const gateway::RoutePolicy& policy,
                 Backends& backends, std::vector<gateway::Route>& routes) {
  const std::string name = "Ingress " + ingress.meta.ns + "/" + ingress.meta.name;
  for (const auto& rule : ingress.rules) {
    gateway::Route route{.name = name, .policy = policy};
    if (!rule.host.empty()) {
      route.hostnames = {rule.host};
      route.wildcard = gateway::Route::Wildcard::kOneLabel;
    }
    for (const auto& path : rule.paths) {
      gateway::Rule out;
      out.matches = {{.path = path_match(path.path_type, path.path)}};
      std::vector<Share> shares;
      backends.add(ingress.meta, object::Kind::kIngress, reference_of(ingress.meta, path.backend),
                   kIngressMissing, {}, shares);
      out.backends = weigh(std::move(shares));
      route.rules.push_back(std::move(out));
    }
    routes.push_back(std::move(route));
  }
}

void add_default_backend(const object::Ingress& ingress, const gateway::RoutePolicy& policy,
                         Backends& backends, std::vector<gateway::Route>& routes) {
  if (!ingress.default_backend) {
    return;
  }
  gateway::Route route{.name = "Ingress " + ingress.meta.ns + "/" + ingress.meta.name,
                       .policy = policy};
  std::vector<Share> shares;
  backends.add(ingress.meta, object::Kind::kIngress,
               reference_of(ingress.meta, *ingress.default_backend), kIngressMissing, {}, shares);
  gateway::Rule rule;
  rule.backends = weigh(std::move(shares));
  route.rules.push_back(std::move(rule));
  routes.push_back(std::move(route));
}

gateway::Rule http_rule(const object::HttpRoute& from, const object::HttpRouteRule& rule,
                        Backends& backends) {
  gateway::Rule out;
  for (const auto& match : rule.matches) {
    out.matches.push_back({.path = path_match(match.path_type, match.path),
                           .headers = value_matches(match.headers),
                           .query = value_matches(match.query),
                           .method = match.method});
  }
  out.filters = backends.filters_of(from.meta, rule.filters);
  std::vector<Share> shares;
  for (const auto& ref : rule.backends) {
    const Backends::Reference reference{ref.ns.empty() ? from.meta.ns : ref.ns, ref.service,
                                        ref.port, "", static_cast<double>(std::max(0, ref.weight))};
    backends.add(from.meta, object::Kind::kHttpRoute, reference, kHttpRouteMissing,
                 backends.filters_of(from.meta, ref.filters), shares);
  }
  out.backends = weigh(std::move(shares));
  out.request_timeout_ms = object::duration_ms(rule.request_timeout).value_or(0);
  out.backend_request_timeout_ms = object::duration_ms(rule.backend_request_timeout).value_or(0);
  return out;
}

// What the annotations of a route ask; what is wrong with them is told.
gateway::RoutePolicy policy_of(const object::Meta& meta, object::Kind kind, const SiteObjects& site,
                               BuiltTable& built) {
  auto read = read_route_policy(meta.annotations, site.defaults);
  for (auto& problem : read.problems) {
    built.problems.push_back(
        {{kind, meta.ns, meta.name}, meta.uid, "InvalidAnnotation", std::move(problem)});
  }
  return read.policy;
}

}  // namespace

BuiltTable build_table(const SiteObjects& site) {
  BuiltTable built;
  Backends backends(site, built);
  auto& routes = built.table.routes;
  for (const auto* from : oldest_first(site.http_routes)) {
    gateway::Route route{.name = "HTTPRoute " + from->meta.ns + "/" + from->meta.name,
                         .hostnames = from->hostnames,
                         .policy = policy_of(from->meta, object::Kind::kHttpRoute, site, built)};
    for (const auto& rule : from->rules) {
      route.rules.push_back(http_rule(*from, rule, backends));
    }
    routes.push_back(std::move(route));
  }
  const auto ingresses = oldest_first(site.ingresses);
  std::vector<gateway::RoutePolicy> policies;
  for (const auto* ingress : ingresses) {
    policies.push_back(policy_of(ingress->meta, object::Kind::kIngress, site, built));
    add_ingress(*ingress, policies.back(), backends, routes);
  }
  for (std::size_t i = 0; i < ingresses.size(); ++i) {
    add_default_backend(*ingresses[i], policies[i], backends, routes);
  }
  backends.publish_services();
  backends.publish_pods();
  add_certificates(site, built);
  return built;
}

}  // namespace duet::route
