#pragma once

#include <string>
#include <utility>
#include <vector>

#include "route/table_builder.h"

// What the tests of route tables make their sites of.
namespace duet::route {

inline object::Pod ready_pod(const std::string& name, const std::string& app,
                             const std::string& ip = "") {
  object::Pod pod;
  pod.meta.name = name;
  pod.meta.ns = "default";
  pod.meta.uid = "uid-" + name;
  pod.meta.labels = {{"app", app}};
  object::Container container;
  container.name = "main";
  container.ports = {{.name = "http", .container_port = 8080}};
  pod.spec.containers = {container};
  pod.status.pod_ip = ip;
  pod.status.conditions = {{.type = "Ready", .status = "True"}};
  return pod;
}

inline object::Service service(const std::string& app) {
  object::Service service;
  service.meta.name = app;
  service.meta.ns = "default";
  service.selector = {{"app", app}};
  service.ports = {{.name = "web", .port = 80, .target_port = "http"}};
  return service;
}

inline pod::HandlerInstance handler(const object::Pod& pod) {
  return {.pod = {object::Kind::kPod, pod.meta.ns, pod.meta.name},
          .uid = pod.meta.uid,
          .container = "main",
          .code_digest = "sha256:1",
          .ports = pod.spec.containers[0].ports};
}

inline object::HttpRoute route_to(const std::string& name,
                                  std::vector<object::HttpBackendRef> backends) {
  object::HttpRoute route;
  route.meta.name = name;
  route.meta.ns = "default";
  object::HttpRouteRule rule;
  rule.matches = {object::HttpRouteMatch()};
  rule.backends = std::move(backends);
  route.rules = {rule};
  return route;
}

inline const gateway::BackendConfig* find(const gateway::RouteTable& table,
                                          const std::string& name) {
  for (const auto& backend : table.backends) {
    if (backend.name == name) {
      return &backend;
    }
  }
  return nullptr;
}

}  // namespace duet::route
