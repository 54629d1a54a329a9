#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/exchange.h"

namespace duet::kubelet {

// What a client and this node agreed that the connection carries from now on.
struct Upgrade {
  enum class Carrier : std::uint8_t { kSpdy, kWebSocket };
  Carrier carrier = Carrier::kSpdy;
  std::string protocol;    // of Kubernetes: v4.channel.k8s.io, portforward.k8s.io
  std::string accept_key;  // of a WebSocket
};

// What is spoken here over each carrier.
struct UpgradeProtocols {
  std::span<const std::string_view> spdy;
  std::span<const std::string_view> websocket;
};

// Looks at what the request wants the connection upgraded to: SPDY/3.1 or WebSocket (RFC 6455), and
// takes the first of the client's protocols that is spoken here. Nothing: it was answered with what
// is wrong.
std::optional<Upgrade> negotiate(api::Exchange& exchange, const UpgradeProtocols& protocols);

// Answers that it is so; the connection then waits for its client as long as it takes. An error
// means that the client is gone.
Status confirm(api::Exchange& exchange, const Upgrade& upgrade);

}  // namespace duet::kubelet
