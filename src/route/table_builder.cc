#include "route/table_builder.h"

#include <algorithm>
#include <utility>

#include "object/format.h"
#include "route/backends.h"
#include "route/certificates.h"
#include "route/oldest_first.h"
#include "route/route_policy.h"
#include "route/shares.h"

namespace duet::route {

namespace {

gateway::PathMatch path_match(const std::string& type, const std::string& path) {
  using Type = gateway::PathMatch::Type;
  const Type kind = type == "Exact"               ? Type::kExact
                    : type == "RegularExpression" ? Type::kRegularExpression
                                                  : Type::kPrefix;
  return {kind, path.empty() ? "/" : path};
}

std::vector<gateway::ValueMatch> value_matches(const std::vector<object::ValueMatch>& from) {
  std::vector<gateway::ValueMatch> out;
  out.reserve(from.size());
  for (const auto& one : from) {
    out.push_back({one.name, one.value, one.regular_expression});
  }
  return out;
}

ServiceReference reference_of(const object::Meta& meta, const object::IngressBackend& backend) {
  return {meta.ns, backend.service, backend.port_number, backend.port_name, 1};
}

constexpr int kIngressMissing = 503;
constexpr int kHttpRouteMissing = 500;

void add_ingress(const object::Ingress& ingress, const ReadRoutePolicy& asked, Backends& backends,
                 std::vector<gateway::Route>& routes) {
  const AskingRoute asking{ingress.meta, object::Kind::kIngress, asked.reuse};
  const std::string name = "Ingress " + ingress.meta.ns + "/" + ingress.meta.name;
  for (const auto& rule : ingress.rules) {
    gateway::Route route{.name = name, .policy = asked.policy};
    if (!rule.host.empty()) {
      route.hostnames = {rule.host};
      route.wildcard = gateway::Route::Wildcard::kOneLabel;
    }
    for (const auto& path : rule.paths) {
      gateway::Rule out;
      out.matches = {{.path = path_match(path.path_type, path.path)}};
      std::vector<Share> shares;
      backends.add(asking, reference_of(ingress.meta, path.backend), kIngressMissing, {}, shares);
      out.backends = weigh(std::move(shares));
      route.rules.push_back(std::move(out));
    }
    routes.push_back(std::move(route));
  }
}

void add_default_backend(const object::Ingress& ingress, const ReadRoutePolicy& asked,
                         Backends& backends, std::vector<gateway::Route>& routes) {
  if (!ingress.default_backend) {
    return;
  }
  gateway::Route route{.name = "Ingress " + ingress.meta.ns + "/" + ingress.meta.name,
                       .policy = asked.policy};
  std::vector<Share> shares;
  const AskingRoute asking{ingress.meta, object::Kind::kIngress, asked.reuse};
  backends.add(asking, reference_of(ingress.meta, *ingress.default_backend), kIngressMissing, {},
               shares);
  gateway::Rule rule;
  rule.backends = weigh(std::move(shares));
  route.rules.push_back(std::move(rule));
  routes.push_back(std::move(route));
}

gateway::Rule http_rule(const object::HttpRoute& from, const object::HttpRouteRule& rule,
                        const gateway::InstanceReuse& reuse, Backends& backends) {
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
    const ServiceReference reference{ref.ns.empty() ? from.meta.ns : ref.ns, ref.service, ref.port,
                                     "", static_cast<double>(std::max(0, ref.weight))};
    backends.add({from.meta, object::Kind::kHttpRoute, reuse}, reference, kHttpRouteMissing,
                 backends.filters_of(from.meta, ref.filters), shares);
  }
  out.backends = weigh(std::move(shares));
  out.request_timeout_ms = object::duration_ms(rule.request_timeout).value_or(0);
  out.backend_request_timeout_ms = object::duration_ms(rule.backend_request_timeout).value_or(0);
  return out;
}

// What the annotations of a route ask; what is wrong with them is told.
ReadRoutePolicy policy_of(const object::Meta& meta, object::Kind kind, const SiteObjects& site,
                          BuiltTable& built) {
  auto read = read_route_policy(meta.annotations, site.defaults);
  for (auto& problem : read.problems) {
    built.problems.push_back(
        {{kind, meta.ns, meta.name}, meta.uid, "InvalidAnnotation", std::move(problem)});
  }
  return read;
}

}  // namespace

BuiltTable build_table(const SiteObjects& site) {
  BuiltTable built;
  Backends backends(site, built);
  auto& routes = built.table.routes;
  for (const auto* from : oldest_first(site.http_routes)) {
    const ReadRoutePolicy asked = policy_of(from->meta, object::Kind::kHttpRoute, site, built);
    gateway::Route route{.name = "HTTPRoute " + from->meta.ns + "/" + from->meta.name,
                         .hostnames = from->hostnames,
                         .policy = asked.policy};
    for (const auto& rule : from->rules) {
      route.rules.push_back(http_rule(*from, rule, asked.reuse, backends));
    }
    routes.push_back(std::move(route));
  }
  const auto ingresses = oldest_first(site.ingresses);
  std::vector<ReadRoutePolicy> policies;
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
