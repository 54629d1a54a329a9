#include "route/backends.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "route/endpoints.h"
#include "route/handler_limits.h"
#include "route/plain_filters.h"
#include "route/static_backend.h"
#include "route/upstream_policy.h"

namespace duet::route {
namespace {

// An appProtocol of Kubernetes: HTTP/2 without TLS, by prior knowledge.
constexpr std::string_view kCleartextHttp2 = "kubernetes.io/h2c";
constexpr std::string_view kTcp = "TCP";  // the protocol of the ports that HTTP can reach

std::string port_text(const ServiceReference& reference) {
  return reference.port_name.empty() ? std::to_string(reference.port_number) : reference.port_name;
}

const object::ServicePort* find_port(const object::Service& service,
                                     const ServiceReference& reference) {
  const auto found = std::find_if(service.ports.begin(), service.ports.end(), [&](const auto& one) {
    return one.protocol == kTcp && (reference.port_name.empty() ? one.port == reference.port_number
                                                                : one.name == reference.port_name);
  });
  return found == service.ports.end() ? nullptr : &*found;
}

std::string handler_name(const pod::HandlerInstance& handler) {
  return "handler/" + handler.pod.ns + "/" + handler.pod.name + "/" + handler.container;
}

// The handler's policy without what has no effect on its kind, which becomes a problem.
HandlerPolicy policy_of(const pod::HandlerInstance& handler) {
  HandlerPolicy policy = handler_policy(handler.resources, handler.annotations);
  const bool wagi = handler.use == engine::Use::kWagi;
  if (wagi && !policy.allow_outbound.empty()) {
    policy.allow_outbound.clear();
    policy.problems.emplace_back(
        "annotation duet.edge/allow-outbound: without effect on a WAGI handler, which has no way "
        "to connect");
  }
  if (!wagi && std::exchange(policy.passes_authorization, false)) {
    policy.problems.emplace_back(
        "annotation duet.edge/wagi-authorization: without effect on a component, which sees "
        "every field");
  }
  return policy;
}

}  // namespace

void Backends::add(const AskingRoute& asking, const ServiceReference& reference, int missing_status,
                   const gateway::Filters& filters, std::vector<Share>& into) {
  const auto* service = find_service(reference.ns, reference.service);
  const auto* port = service == nullptr ? nullptr : find_port(*service, reference);
  if (port == nullptr) {
    note(asking, "BackendNotFound",
         "service " + reference.ns + "/" + reference.service +
             (service == nullptr ? " does not exist" : " has no port " + port_text(reference)));
    const std::string name = "missing/" + std::to_string(missing_status);
    put({name, gateway::StaticBackend{.status = missing_status, .reason = "ServiceNotFound"}});
    into.push_back({name, reference.weight, filters});
    return;
  }
  for (auto& part : parts_of(*service, *port, &asking)) {
    into.push_back({std::move(part.backend), reference.weight * part.fraction, filters});
  }
}

gateway::Filters Backends::filters_of(const object::Meta& owner,
                                      const std::vector<object::HttpRouteFilter>& from) {
  gateway::Filters out = plain_filters(from);
  for (const auto& filter : from) {
    if (filter.type == object::HttpRouteFilter::Type::kExtensionRef) {
      out.handlers.push_back(filter_handler(owner, filter.service));
    }
  }
  return out;
}

void Backends::publish_services() {
  for (const auto& service : site_.services) {
    for (const auto& port : service.ports) {
      if (port.protocol != kTcp) {
        continue;
      }
      std::vector<Share> shares;
      for (auto& part : parts_of(service, port, nullptr)) {
        shares.push_back({std::move(part.backend), part.fraction, {}});
      }
      for (auto& one : weigh(std::move(shares))) {
        built_.table.services.push_back(
            {service.meta.ns, service.meta.name, port.port, std::move(one.backend), one.weight});
      }
    }
  }
}

void Backends::publish_pods() {
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
      route.rules = {{.backends = {{.backend = put_handler(handler)}}}};
      built_.table.routes.push_back(std::move(route));
    }
  }
}

const object::Service* Backends::find_service(const std::string& ns,
                                              const std::string& name) const {
  const auto found =
      std::find_if(site_.services.begin(), site_.services.end(),
                   [&](const auto& one) { return one.meta.ns == ns && one.meta.name == name; });
  return found == site_.services.end() ? nullptr : &*found;
}

// A Service's handlers and containers by their numbers, for a route or for other handlers.
std::vector<Backends::Part> Backends::parts_of(const object::Service& service,
                                               const object::ServicePort& port,
                                               const AskingRoute* asking) {
  if (auto files = find_static_backend(service, site_)) {
    const std::string name = files->backend.name;
    // Once, though every route and port asks.
    if (!files->problem.empty() && !known_.contains(name)) {
      note_problem(service, "StaticFilesNotFound", files->problem);
    }
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
  out.reserve(endpoints.handlers.size() + 1);
  for (const auto* handler : endpoints.handlers) {
    out.push_back({asking == nullptr ? put_handler(*handler) : put_handler_of(*asking, *handler),
                   fraction(1)});
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

// The handler of a Service that is named as a filter: the first that is ready. Where there is none
// every request gets an error: a filter is never passed over.
std::string Backends::filter_handler(const object::Meta& owner, const std::string& name) {
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
    return put_handler(*endpoints.handlers.front());
  }
  if (has_port && !wagi && endpoints.addresses.empty()) {
    put({"filter/none", gateway::StaticBackend{.status = 503, .reason = "NoEndpoints"}});
    return "filter/none";
  }
  const char* what = service == nullptr ? " does not exist"
                     : wagi             ? " is of a WAGI handler, which cannot pass requests on"
                     : has_port         ? " is of containers, and only a handler can be a filter"
                                        : " has no port";
  note({owner, object::Kind::kHttpRoute, {}}, "FilterNotFound",
       "the filter's service " + owner.ns + "/" + name + what);
  put({"filter/missing", gateway::StaticBackend{.status = 500, .reason = "FilterNotFound"}});
  return "filter/missing";
}

void Backends::put_containers(const object::Service& service, const std::string& name,
                              gateway::ProxyBackend backend) {
  if (known_.contains(name)) {
    return;
  }
  std::vector<std::string> problems;
  read_upstream_policy(service.meta.annotations, backend, problems);
  for (auto& problem : problems) {
    note_problem(service, "InvalidAnnotation", std::move(problem));
  }
  put({name, std::move(backend)});
}

// A handler as a route wants it. If its sandboxes are used again they answer for this route alone,
// and so it is a backend of its own.
std::string Backends::put_handler_of(const AskingRoute& asking,
                                     const pod::HandlerInstance& handler) {
  if (asking.reuse.requests <= 1) {
    return put_handler(handler);
  }
  if (!handler.asynchronous) {
    note(asking, "InvalidAnnotation",
         "annotation duet.edge/instance-reuse: without effect on the handler of pod " +
             handler.pod.ns + "/" + handler.pod.name + ", which is not of wasi:http 0.3");
    return put_handler(handler);
  }
  const bool ingress = asking.kind == object::Kind::kIngress;
  std::string name = handler_name(handler) + (ingress ? "#Ingress/" : "#HTTPRoute/") +
                     asking.meta.ns + "/" + asking.meta.name;
  put_handler_as(name, handler, asking.reuse);
  return name;
}

// With a fresh sandbox for each request.
std::string Backends::put_handler(const pod::HandlerInstance& handler) {
  std::string name = handler_name(handler);
  put_handler_as(name, handler, {});
  return name;
}

void Backends::put_handler_as(const std::string& name, const pod::HandlerInstance& handler,
                              const gateway::InstanceReuse& reuse) {
  if (known_.contains(name)) {
    return;
  }
  HandlerPolicy policy = policy_of(handler);
  note_problems(handler, policy.problems);
  put({name, gateway::HandlerBackend{.code = handler.code_digest,
                                     .use = handler.use,
                                     .env = handler.environment,
                                     .args = handler.args,
                                     .limits = policy.limits,
                                     .reuse = reuse,
                                     .allow_outbound = std::move(policy.allow_outbound),
                                     .ns = handler.pod.ns,
                                     .log_path = handler.log_path,
                                     .passes_authorization = policy.passes_authorization}});
}

void Backends::put(gateway::BackendConfig backend) {
  if (known_.insert(backend.name).second) {
    built_.table.backends.push_back(std::move(backend));
  }
}

void Backends::note(const AskingRoute& asking, std::string reason, std::string message) {
  const object::Meta& meta = asking.meta;
  built_.problems.push_back(
      {{asking.kind, meta.ns, meta.name}, meta.uid, std::move(reason), std::move(message)});
}

void Backends::note_problem(const object::Service& service, std::string reason,
                            std::string message) {
  const object::Meta& meta = service.meta;
  built_.problems.push_back({{object::Kind::kService, meta.ns, meta.name},
                             meta.uid,
                             std::move(reason),
                             std::move(message)});
}

void Backends::note_pod(const pod::HandlerInstance& handler, const char* reason,
                        std::string message) {
  built_.problems.push_back({handler.pod, handler.uid, reason, std::move(message)});
}

// Once, though a handler may be a backend of its own for several routes.
void Backends::note_problems(const pod::HandlerInstance& handler,
                             const std::vector<std::string>& problems) {
  if (!told_.insert(handler_name(handler)).second) {
    return;
  }
  for (const auto& problem : problems) {
    built_.problems.push_back({handler.pod, handler.uid, "InvalidAnnotation", problem});
  }
}

}  // namespace duet::route
