#include "route/endpoints.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string>
#include <utility>

#include "object/source_mark.h"

namespace duet::route {

namespace {

constexpr std::size_t kOthersLimit = 1'000;  // endpoints of a port that are no pods of this node

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

// What is known of the pods that a Service selects on this node, whether they are ready or not.
struct OwnPods {
  Endpoints ready;
  std::set<std::string> uids;
  std::vector<gateway::Endpoint> addresses;
};

OwnPods own_pods(const object::Service& service, const object::ServicePort& port,
                 const Candidates& candidates) {
  OwnPods out;
  for (const auto& pod : candidates.pods) {
    if (pod.meta.ns != service.meta.ns || !selects(service.selector, pod.meta.labels)) {
      continue;
    }
    out.uids.insert(pod.meta.uid);
    const gateway::Endpoint address{pod.status.pod_ip, container_port_of(pod, port.target_port)};
    const bool reachable = address.port != 0 && !address.address.empty();
    if (reachable) {
      out.addresses.push_back(address);
    }
    if (!is_ready(pod)) {
      continue;
    }
    if (const auto* handler = handler_of(pod, port.target_port, candidates.handlers)) {
      out.ready.handlers.push_back(handler);
    } else if (reachable) {
      out.ready.addresses.push_back(address);
    }
  }
  return out;
}

// Endpoints that are no pods of this node.
struct Others {
  std::vector<gateway::Endpoint> ready;
  std::vector<gateway::Endpoint> ending;  // but serving still
};

int port_of(const object::EndpointSlice& slice, const object::ServicePort& port) {
  const auto found = std::find_if(slice.ports.begin(), slice.ports.end(), [&](const auto& one) {
    return one.name == port.name && one.protocol == port.protocol;
  });
  return found == slice.ports.end() ? 0 : found->port;
}

bool has(const std::vector<gateway::Endpoint>& list, const gateway::Endpoint& one) {
  return std::find(list.begin(), list.end(), one) != list.end();
}

bool is_of_cluster(const object::EndpointSlice& slice) {
  const auto source = slice.meta.annotations.find(object::kSourceAnnotation);
  return source != slice.meta.annotations.end() && source->second == object::kClusterSource;
}

// `spoken_for`: the cluster's word counts.
Others others(const object::ServicePort& port, const Candidates& candidates, const OwnPods& own,
              bool spoken_for) {
  Others out;
  // A pod may stand in several slices: of two address families, or while one takes another's place.
  std::set<std::string> pods = own.uids;
  std::set<std::pair<std::string, int>> addresses;
  for (const auto* slice : candidates.slices) {
    const int number = port_of(*slice, port);
    if (number == 0 || (!spoken_for && is_of_cluster(*slice))) {
      continue;
    }
    for (const auto& one : slice->endpoints) {
      if (addresses.size() == kOthersLimit) {
        return out;
      }
      const bool ending = one.terminating && one.serving;
      const gateway::Endpoint address{one.address, number};
      if (one.address.empty() || (!one.ready && !ending) || has(own.addresses, address) ||
          (!one.pod_uid.empty() && !pods.insert(one.pod_uid).second) ||
          !addresses.emplace(one.address, number).second) {
        continue;
      }
      (one.ready ? out.ready : out.ending).push_back(address);
    }
  }
  return out;
}

}  // namespace

Endpoints endpoints_of(const object::Service& service, const object::ServicePort& port,
                       const Candidates& candidates) {
  OwnPods own = own_pods(service, port, candidates);
  Endpoints out = std::move(own.ready);
  const bool answers_here = !out.handlers.empty() || !out.addresses.empty();
  if (service.own_node_only || (service.prefers_own_node && answers_here)) {
    return out;
  }
  Others elsewhere = others(port, candidates, own, !candidates.cluster_is_away || !answers_here);
  auto& more = answers_here || !elsewhere.ready.empty() ? elsewhere.ready : elsewhere.ending;
  out.addresses.insert(out.addresses.end(), more.begin(), more.end());
  return out;
}

}  // namespace duet::route
