#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config.h"
#include "net/ip_address.h"

namespace duet::gateway {

// Where an outgoing request leads.
struct Destination {
  std::string host;  // lower case, without port and brackets
  int port = 0;
};

// Host and port of an authority; without a port it is the scheme's default. Pure.
Destination parse_destination(std::string_view scheme, std::string_view authority);

// What a handler's duet.edge/allow-outbound lets it ask. Nothing is allowed but what is named:
// - a name, if a rule names it, in any form if it is a service ("*.example.com" is any name below,
//   "*" any);
// - an address, if a rule names it or a range that holds it; "*" names only addresses of the
//   internet.
// A name says nothing about the addresses that it resolves to: see allows_address.
class OutboundPolicy {
 public:
  // `ns`: the handler's namespace, in which short names of services are meant.
  OutboundPolicy(const std::vector<OutboundRule>& rules, std::string ns);

  bool empty() const { return rules_.empty(); }
  bool allows(std::string_view scheme, const Destination& destination) const;
  // Whether a connection may go to `address`, which a name that is allowed resolved to: to any on
  // the internet; to others (IpAddress::is_special) only if a rule names them or their range. A
  // rule that names localhost names 127.0.0.1 and ::1 for it.
  bool allows_address(std::string_view scheme, const Destination& destination,
                      const net::IpAddress& address) const;

 private:
  struct Compiled {
    std::string scheme;
    std::string host;
    std::string service;  // host as "name.ns", if it is a service's name
    std::optional<net::IpRange> range;
    int port;
  };
  bool names_address(std::string_view scheme, int port, const net::IpAddress& address) const;

  std::vector<Compiled> rules_;
  std::string ns_;
};

}  // namespace duet::gateway
