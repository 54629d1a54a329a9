#include "cluster/access.h"

#include <charconv>

#include "net/http_target.h"

namespace duet::cluster {
namespace {

constexpr std::string_view kScheme = "https://";
constexpr int kMostPort = 65'535;

Error bad(std::string_view url, const std::string& why) {
  return invalid("\"" + std::string(url) + "\" is no address of an API server: " + why +
                 "; write it as https://HOST:PORT");
}

}  // namespace

std::string Endpoint::authority() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Endpoint::url() const { return std::string(kScheme) + authority() + path; }

Result<Endpoint> parse_endpoint(std::string_view url) {
  if (!url.starts_with(kScheme)) {
    return bad(url, "it does not begin with https://");
  }
  std::string_view rest = url.substr(kScheme.size());
  Endpoint endpoint;
  if (const std::size_t slash = rest.find('/'); slash != std::string_view::npos) {
    endpoint.path = rest.substr(slash);
    rest = rest.substr(0, slash);
    while (endpoint.path.ends_with('/')) {
      endpoint.path.pop_back();
    }
  }
  if (endpoint.path.find_first_of("?# ") != std::string::npos || !net::is_authority(rest)) {
    return bad(url, "it has no host, or more than host, port and path");
  }
  const std::size_t colon = rest.rfind(':');
  if (colon != std::string_view::npos && rest.back() != ']') {
    const std::string_view digits = rest.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), endpoint.port);
    if (error != std::errc() || end != digits.data() + digits.size() || endpoint.port < 1 ||
        endpoint.port > kMostPort) {
      return bad(url, "its port is none");
    }
    rest = rest.substr(0, colon);
  }
  if (rest.starts_with('[')) {
    rest = rest.substr(1, rest.size() - 2);
  }
  endpoint.host = rest;
  endpoint.server_name = rest;
  return endpoint;
}

}  // namespace duet::cluster
