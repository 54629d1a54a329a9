#include "route/plain_filters.h"

#include <optional>

namespace duet::route {
namespace {

std::vector<gateway::Header> headers(const std::vector<object::HttpHeader>& from) {
  std::vector<gateway::Header> out;
  out.reserve(from.size());
  for (const auto& one : from) {
    out.push_back({one.name, one.value});
  }
  return out;
}

void add_modifier(const object::HeaderFilter& from, gateway::HeaderModifier& to) {
  const auto set = headers(from.set);
  const auto add = headers(from.add);
  to.set.insert(to.set.end(), set.begin(), set.end());
  to.add.insert(to.add.end(), add.begin(), add.end());
  to.remove.insert(to.remove.end(), from.remove.begin(), from.remove.end());
}

std::optional<gateway::PathModifier> path_modifier(
    const std::optional<object::PathModifier>& from) {
  using Type = gateway::PathModifier::Type;
  if (!from) {
    return std::nullopt;
  }
  return gateway::PathModifier{
      from->replace_prefix ? Type::kReplacePrefixMatch : Type::kReplaceFullPath, from->value};
}

}  // namespace

gateway::Filters plain_filters(const std::vector<object::HttpRouteFilter>& from) {
  using Type = object::HttpRouteFilter::Type;
  gateway::Filters out;
  for (const auto& filter : from) {
    switch (filter.type) {
      case Type::kRequestHeaderModifier:
        add_modifier(filter.headers, out.request_headers);
        break;
      case Type::kResponseHeaderModifier:
        add_modifier(filter.headers, out.response_headers);
        break;
      case Type::kRequestRedirect:
        out.redirect = gateway::Redirect{filter.redirect.scheme, filter.redirect.hostname,
                                         path_modifier(filter.redirect.path), filter.redirect.port,
                                         filter.redirect.status_code};
        break;
      case Type::kUrlRewrite:
        out.rewrite =
            gateway::UrlRewrite{filter.rewrite.hostname, path_modifier(filter.rewrite.path)};
        break;
      case Type::kExtensionRef:
        break;
    }
  }
  return out;
}

}  // namespace duet::route
