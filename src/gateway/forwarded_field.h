#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/ip_address.h"

namespace duet::gateway {

// What one proxy wrote into Forwarded (RFC 7239 section 4); empty: it did not say.
struct ForwardedElement {
  std::string node;  // for=
  std::string proto;
  std::string host;
};

// The elements of a Forwarded field in their order. Nothing: it is not what the RFC allows. Pure.
std::optional<std::vector<ForwardedElement>> parse_forwarded(std::string_view value);

// The address of 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1] or [2001:db8::1]:80. Nothing
// for what is none, as "unknown" and _names (RFC 7239 section 6). Pure.
std::optional<net::IpAddress> parse_node(std::string_view text);

}  // namespace duet::gateway
