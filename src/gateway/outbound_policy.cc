#include "gateway/outbound_policy.h"

#include <algorithm>
#include <charconv>

#include "gateway/route_index.h"

namespace duet::gateway {
namespace {

constexpr std::string_view kLocalhost = "localhost";

int default_port(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

bool host_matches(std::string_view rule, std::string_view host) {
  if (rule == "*" || rule == host) {
    return true;
  }
  return rule.starts_with("*.") && host.size() > rule.size() - 1 && host.ends_with(rule.substr(1));
}

// The short form "name.ns" of a service name in any of its forms; other names stay as they are.
std::string service_form(std::string_view host, std::string_view ns) {
  for (const std::string_view suffix :
       {std::string_view(".svc.cluster.local"), std::string_view(".svc")}) {
    if (host.ends_with(suffix)) {
      host.remove_suffix(suffix.size());
      return std::string(host);
    }
  }
  if (host.find('.') == std::string_view::npos) {
    return std::string(host) + "." + std::string(ns);
  }
  return std::string(host);
}

}  // namespace

Destination parse_destination(std::string_view scheme, std::string_view authority) {
  Destination destination{.host = normalize_host(authority), .port = default_port(scheme)};
  if (destination.host.starts_with('[') && destination.host.ends_with(']')) {
    destination.host = destination.host.substr(1, destination.host.size() - 2);
  }
  const std::size_t end = authority.starts_with('[') ? authority.find(']') : 0;
  const std::size_t colon = authority.find(':', end == std::string_view::npos ? 0 : end);
  if (colon != std::string_view::npos && colon + 1 < authority.size()) {
    const std::string_view digits = authority.substr(colon + 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), destination.port);
  }
  return destination;
}

OutboundPolicy::OutboundPolicy(const std::vector<OutboundRule>& rules, std::string ns)
    : ns_(std::move(ns)) {
  for (const OutboundRule& rule : rules) {
    const auto range = net::IpRange::parse(rule.host);
    rules_.push_back({.scheme = rule.scheme,
                      .host = rule.host,
                      .service = range ? "" : service_form(rule.host, ns_),
                      .range = range,
                      .port = rule.port == 0 ? default_port(rule.scheme) : rule.port});
  }
}

bool OutboundPolicy::allows(std::string_view scheme, const Destination& destination) const {
  if (const auto address = net::IpAddress::parse(destination.host)) {
    return names_address(scheme, destination.port, *address) ||
           (!address->is_special() &&
            std::any_of(rules_.begin(), rules_.end(), [&](const Compiled& rule) {
              return rule.scheme == scheme && rule.port == destination.port && rule.host == "*";
            }));
  }
  const std::string service = service_form(destination.host, ns_);
  return std::any_of(rules_.begin(), rules_.end(), [&](const Compiled& rule) {
    return rule.scheme == scheme && rule.port == destination.port && !rule.range &&
           (host_matches(rule.host, destination.host) || rule.service == service);
  });
}

bool OutboundPolicy::names_address(std::string_view scheme, int port,
                                   const net::IpAddress& address) const {
  return std::any_of(rules_.begin(), rules_.end(), [&](const Compiled& rule) {
    return rule.scheme == scheme && rule.port == port && rule.range &&
           rule.range->contains(address);
  });
}

bool OutboundPolicy::allows_address(std::string_view scheme, const Destination& destination,
                                    const net::IpAddress& address) const {
  if (!address.is_special() || names_address(scheme, destination.port, address)) {
    return true;
  }
  const bool own =
      address == net::IpAddress::parse("127.0.0.1") || address == net::IpAddress::parse("::1");
  return own && destination.host == kLocalhost &&
         std::any_of(rules_.begin(), rules_.end(), [&](const Compiled& rule) {
           return rule.scheme == scheme && rule.port == destination.port && rule.host == kLocalhost;
         });
}

}  // namespace duet::gateway
