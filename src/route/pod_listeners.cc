#include "route/pod_listeners.h"

namespace duet::route {

namespace {

constexpr const char* kTcp = "TCP";

bool is_ipv6(const std::string& address) { return address.find(':') != std::string::npos; }

}  // namespace

std::vector<PodListener> pod_listeners_of(const pod::HandlerInstance& handler) {
  std::vector<PodListener> out;
  if (!handler.network) {
    return out;
  }
  const auto& network = *handler.network;
  const bool v6 = is_ipv6(network.address);
  const std::string host = v6 ? "[" + network.address + "]" : network.address;
  for (const auto& port : handler.ports) {
    if (port.protocol != kTcp) {
      continue;
    }
    const std::string number = std::to_string(port.container_port);
    out.push_back(
        {.listener = {.name = "pod/" + std::to_string(network.network_namespace_id) + "/" + number,
                      .address = host + ":" + number,
                      .own_routes = true},
         .network_namespace = network.network_namespace,
         .bind_address = (v6 ? "[::]:" : "0.0.0.0:") + number,
         .pod = handler.pod,
         .uid = handler.uid});
  }
  return out;
}

}  // namespace duet::route
