#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "gateway/config.h"
#include "object/object.h"
#include "pod/handlers.h"

// Handlers are answered at their pods' own addresses too: by sockets in the pods' networks, which
// the gateway that has the clients gets like those of the front door.
namespace duet::route {

// Of all pods together; so many ports have the 110 pods of a node with ten each.
inline constexpr std::size_t kPodListenerLimit = 1'100;

// A listening socket in a pod's own network.
struct PodListener {
  gateway::Listener listener;     // as the table has it when the socket is open
  std::string network_namespace;  // path: where it is opened
  std::string bind_address;       // every address of the pod, loopback included: "0.0.0.0:80"
  object::ObjectKey pod;
  std::string uid;  // of the pod
  bool operator==(const PodListener&) const = default;
};

// One for each TCP port that the handler declares; none without an address of its own. Their names
// differ when the pod's network does, so that a socket is never taken for one of another network.
// Pure.
std::vector<PodListener> pod_listeners_of(const pod::HandlerInstance& handler);

}  // namespace duet::route
