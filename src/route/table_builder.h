#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/config.h"
#include "object/kinds.h"
#include "object/pod.h"
#include "pod/handlers.h"
#include "route/pod_listeners.h"
#include "route/static_folders.h"

namespace duet::route {

// Everything that routes are made of.
struct SiteObjects {
  std::vector<object::Ingress> ingresses;
  std::vector<object::HttpRoute> http_routes;
  std::vector<object::Service> services;
  std::vector<object::EndpointSlice> endpoint_slices;
  std::vector<object::Secret> secrets;
  std::vector<object::ConfigMap> config_maps;
  std::vector<object::Pod> pods;
  std::vector<pod::HandlerInstance> handlers;
  bool cluster_is_away = false;   // what came from it may not be true any more
  std::int64_t now_s = 0;         // seconds since 1970, for what expires
  gateway::RoutePolicy defaults;  // for routes that say nothing
  StaticFolders folders;          // of which the roots are there
};

// Something in a manifest that keeps a route from working, for an Event and for people.
struct RouteProblem {
  object::ObjectKey about;
  std::string uid;
  std::string reason;  // BackendNotFound, ...
  std::string message;
};

struct BuiltTable {
  gateway::RouteTable table;               // without listeners and generation
  std::vector<PodListener> pod_listeners;  // that routes of the table name
  std::vector<RouteProblem> problems;
};

// The gateway's routes from the site's objects: Services to their ready pods (handlers answer in
// the gateway, containers by proxy) and the endpoints of their slices, Ingresses and HTTPRoutes to
// Services. A Service that does not exist answers 503 behind an Ingress and 500 behind an
// HTTPRoute, as their specifications say; one without ready pods answers 503. Handlers with an
// address of their own get a route there. Pure.
BuiltTable build_table(const SiteObjects& site);

}  // namespace duet::route
