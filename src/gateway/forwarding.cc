#include "gateway/forwarding.h"

#include <algorithm>

#include "gateway/forwarded_field.h"
#include "gateway/transaction.h"
#include "net/http_target.h"

namespace duet::gateway {
namespace {

constexpr std::size_t kHopLimit = 32;  // proxies one behind the other

// The lines of a field as one list.
std::string joined(const net::RequestHead& request, net::FieldId id) {
  std::string list;
  for (const net::Field& field : request.fields) {
    if (field.id == id) {
      list.append(list.empty() ? "" : ", ").append(field.value);
    }
  }
  return list;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

// Takes the last item off a list.
std::string_view take_last(std::string_view& list) {
  const std::size_t comma = list.rfind(',');
  const std::string_view last = comma == std::string_view::npos ? list : list.substr(comma + 1);
  list = comma == std::string_view::npos ? std::string_view() : list.substr(0, comma);
  return trimmed(last);
}

// The gateway's own element of Forwarded.
std::string forwarded_element(const Client& client, std::string_view host) {
  const bool v6 = client.address.find(':') != std::string::npos;
  std::string element = v6 ? "for=\"[" + client.address + "]\"" : "for=" + client.address;
  if (!host.empty()) {
    element.append(";host=\"").append(host).append("\"");
  }
  return element.append(";proto=").append(client.scheme);
}

void take_scheme(std::string_view text, RequestOrigin& origin) {
  if (net::equals_ignoring_case(text, "https")) {
    origin.scheme = "https";
  } else if (net::equals_ignoring_case(text, "http")) {
    origin.scheme = "http";
  }
}

void take_host(std::string_view text, RequestOrigin& origin) {
  if (!text.empty() && net::is_authority(text)) {
    origin.host = text;
  }
}

}  // namespace

Result<Forwarding> Forwarding::make(const ForwardingConfig& config) {
  Forwarding made;
  made.standard_ = config.standard;
  for (const std::string& text : config.trusted_proxies) {
    const auto range = net::IpRange::parse(text);
    if (!range) {
      return invalid("\"" + text + "\" is neither an IP address nor a range such as 10.0.0.0/8");
    }
    made.proxies_.push_back(*range);
  }
  return made;
}

bool Forwarding::trusts(const net::IpAddress& address) const {
  return std::any_of(proxies_.begin(), proxies_.end(),
                     [&address](const net::IpRange& range) { return range.contains(address); });
}

bool Forwarding::trusts(std::string_view address) const {
  if (proxies_.empty()) {
    return false;
  }
  const auto parsed = net::IpAddress::parse(address);
  return parsed && trusts(*parsed);
}

std::optional<RequestOrigin> Forwarding::origin_of(const Client& client,
                                                   const net::RequestHead& request) const {
  if (!client.trusted && !standard_) {
    return std::nullopt;
  }
  RequestOrigin origin{.address = client.address,
                       .scheme = client.scheme,
                       .host = std::string(request.authority),
                       .x_forwarded_for = {},
                       .forwarded = {}};
  if (client.trusted && standard_) {
    read_forwarded(request, origin);
  } else if (client.trusted) {
    read_x_forwarded(request, origin);
  }
  if (standard_) {
    origin.x_forwarded_for = origin.address;
    origin.forwarded.append(origin.forwarded.empty() ? "" : ", ")
        .append(forwarded_element(client, request.authority));
  } else {
    origin.x_forwarded_for.append(origin.x_forwarded_for.empty() ? "" : ", ")
        .append(client.address);
  }
  return origin;
}

// Each proxy appended whom it saw: from the end to the first that is no proxy of ours.
void Forwarding::read_x_forwarded(const net::RequestHead& request, RequestOrigin& origin) const {
  origin.x_forwarded_for = joined(request, net::FieldId::kXForwardedFor);
  std::string_view list = origin.x_forwarded_for;
  for (std::size_t hop = 0; hop < kHopLimit && !list.empty(); ++hop) {
    const auto address = parse_node(take_last(list));
    if (!address) {
      break;
    }
    origin.address = address->text();
    if (!trusts(*address)) {
      break;
    }
  }
  const std::string proto = joined(request, net::FieldId::kXForwardedProto);
  const std::string host = joined(request, net::FieldId::kXForwardedHost);
  std::string_view protos = proto;
  std::string_view hosts = host;
  take_scheme(take_last(protos), origin);
  take_host(take_last(hosts), origin);
}

void Forwarding::read_forwarded(const net::RequestHead& request, RequestOrigin& origin) const {
  const std::string list = joined(request, net::FieldId::kForwarded);
  auto elements = parse_forwarded(list);
  if (!elements) {
    return;  // not what RFC 7239 allows: nothing of it is believed or passed on
  }
  origin.forwarded = list;
  std::size_t hop = 0;
  for (auto element = elements->rbegin(); element != elements->rend() && hop < kHopLimit;
       ++element, ++hop) {
    const auto address = parse_node(element->node);
    if (!address) {
      break;
    }
    origin.address = address->text();
    take_scheme(element->proto, origin);
    take_host(element->host, origin);
    if (!trusts(*address)) {
      break;
    }
  }
}

}  // namespace duet::gateway
