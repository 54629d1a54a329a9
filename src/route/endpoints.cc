#include "route/endpoints.h"

#include <algorithm>
#include <charconv>

namespace duet::route {

namespace {

bool is_ready(const object::Pod& pod) {
  return pod.meta.deletion_timestamp.empty() &&
         std::any_of(pod.status.conditions.begin(), pod.status.conditions.end(),
                     [](const auto& condition) {
                       return condition.type == "Ready" && condition.status == "True";
                     });
}

bool selects(const object::StringMap& selector, const object::StringMap& labels) {
  return !selector.empty() &&
         std::all_of(selector.begin(), selector.end(), [&](const auto& wanted) {
           const auto label = labels.find(wanted.first);
           return label != labels.end() && label->second == wanted.second;
         });
}

// The target as a number in these ports; 0: no such name.
int number_in(const std::vector<object::ContainerPort>& ports, const std::string& target) {
  int number = 0;
  const auto parsed = std::from_chars(target.data(), target.data() + target.size(), number);
  if (parsed.ec == std::errc() && parsed.ptr == target.data() + target.size()) {
    return number;
  }
  const auto named =
      std::find_if(ports.begin(), ports.end(), [&](const auto& one) { return one.name == target; });
  return named == ports.end() ? 0 : named->container_port;
}

bool declares(const std::vector<object::ContainerPort>& ports, int number) {
  return std::any_of(ports.begin(), ports.end(),
                     [&](const auto& one) { return one.container_port == number; });
}

// The pod's handler for the target: the one that declares the port, or the only one if it declares
// none.
const pod::HandlerInstance* handler_of(const object::Pod& pod, const std::string& target,
                                       const std::vector<pod::HandlerInstance>& handlers) {
  for (const auto& handler : handlers) {
    if (handler.uid != pod.meta.uid) {
      continue;
    }
    const int number = number_in(handler.ports, target);
    if (handler.ports.empty() ? pod.spec.containers.size() == 1 : declares(handler.ports, number)) {
      return &handler;
    }
  }
  return nullptr;
}

int container_port_of(const object::Pod& pod, const std::string& target) {
  for (const auto& container : pod.spec.containers) {
    if (const int number = number_in(container.ports, target); number != 0) {
      return number;
    }
  }
  return 0;
}

}  // namespace

Endpoints endpoints_of(const object::Service& service, const object::ServicePort& port,
                       const std::vector<object::Pod>& pods,
                       const std::vector<pod::HandlerInstance>& handlers) {
  Endpoints out;
  for (const auto& pod : pods) {
    if (pod.meta.ns != service.meta.ns || !selects(service.selector, pod.meta.labels) ||
        !is_ready(pod)) {
      continue;
    }
    if (const auto* handler = handler_of(pod, port.target_port, handlers)) {
      out.handlers.push_back(handler);
      continue;
    }
    const int number = container_port_of(pod, port.target_port);
    if (number != 0 && !pod.status.pod_ip.empty()) {
      out.addresses.push_back({pod.status.pod_ip, number});
    }
  }
  return out;
}

}  // namespace duet::route
