#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "object/annotations.h"
#include "object/format.h"

// duet.edge/allow-outbound.
namespace duet::object {
namespace {

constexpr int kPortLimit = 65'535;
constexpr std::string_view kBetweenItems = ", \t\r\n";

bool parse_whole(std::string_view text, int least, int most, int& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && out >= least && out <= most;
}

// An address or a range of addresses.
bool is_range(const std::string& text) {
  const size_t slash = text.find('/');
  const std::string address = text.substr(0, slash);
  in6_addr parsed{};
  const bool v4 = inet_pton(AF_INET, address.c_str(), &parsed) == 1;
  if (!v4 && inet_pton(AF_INET6, address.c_str(), &parsed) != 1) {
    return false;
  }
  int bits = 0;
  return slash == std::string::npos ||
         parse_whole(std::string_view(text).substr(slash + 1), 0, v4 ? 32 : 128, bits);
}

bool is_name(std::string_view host) {
  if (host == "*") {
    return true;
  }
  if (host.starts_with("*.")) {
    host.remove_prefix(2);
  }
  return !format_problem(Format::kDnsSubdomain, host);
}

// Splits "host", "host:port", "10.0.0.0/8:port", "[v6/bits]:port".
bool split_host(std::string_view rest, OutboundTarget& target) {
  std::string_view port;
  if (rest.starts_with('[')) {
    const size_t end = rest.find(']');
    if (end == std::string_view::npos) {
      return false;
    }
    target.host = rest.substr(1, end - 1);
    port = rest.substr(end + 1);
    if (target.host.find(':') == std::string::npos || !is_range(target.host)) {
      return false;
    }
  } else {
    const size_t colon = rest.find(':');
    target.host = rest.substr(0, colon);
    port = colon == std::string_view::npos ? "" : rest.substr(colon);
    if (!is_range(target.host) && !is_name(target.host)) {
      return false;
    }
  }
  return port.empty() ||
         (port.starts_with(':') && parse_whole(port.substr(1), 1, kPortLimit, target.port));
}

bool parse_item(std::string item, OutboundTarget& target) {
  std::transform(item.begin(), item.end(), item.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const size_t end = item.find("://");
  if (end == std::string::npos) {
    return false;
  }
  target.scheme = item.substr(0, end);
  const bool known = target.scheme == "http" || target.scheme == "https";
  return known && split_host(std::string_view(item).substr(end + 3), target);
}

}  // namespace

Result<std::vector<OutboundTarget>> parse_outbound(std::string_view text) {
  std::vector<OutboundTarget> targets;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(kBetweenItems), text.size()));
    if (text.empty()) {
      return targets;
    }
    const std::string item(text.substr(0, text.find_first_of(kBetweenItems)));
    text.remove_prefix(item.size());
    if (targets.size() == kOutboundTargetLimit) {
      return invalid("has more than " + std::to_string(kOutboundTargetLimit) + " items");
    }
    if (!parse_item(item, targets.emplace_back())) {
      return invalid(
          quote(item) +
          " must be http://HOST[:PORT] or https://HOST[:PORT]; HOST is a name, *.name, *, "
          "an address or a range such as 10.0.0.0/8 or [fd00::/8]");
    }
  }
}

}  // namespace duet::object
