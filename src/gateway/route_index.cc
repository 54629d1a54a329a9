#include "gateway/route_index.h"

#include <algorithm>
#include <functional>
#include <unordered_map>
#include <utility>

#include "gateway/route_candidate.h"

namespace duet::gateway {
namespace {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};

template <typename Value>
using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

RouteMatch match_of(const RouteCandidate& candidate) {
  RouteMatch match{candidate.route, candidate.rule, candidate.rule_index, {}, {}};
  if (candidate.match != nullptr && candidate.match->path.type == PathMatch::Type::kPrefix) {
    match.prefix = candidate.match->path.value;
  } else if (candidate.match != nullptr && candidate.match->path.type == PathMatch::Type::kExact) {
    match.exact_path = candidate.match->path.value;
  }
  return match;
}

}  // namespace

// The routes of one hostname.
struct RouteIndex::Host {
  TextMap<RouteCandidates> exact;
  RouteCandidates expressions;        // longest first
  TextMap<RouteCandidates> prefixes;  // without the slash at the end; "" is every path
  std::size_t longest_prefix = 0;

  // Adds all rules of the route, numbered from `order`.
  Status add(const Route& route, std::size_t& order) {
    for (std::size_t i = 0; i < route.rules.size(); ++i) {
      if (route.rules[i].matches.empty()) {
        DUET_TRY(add(route, i, nullptr, order++));
      }
      for (const Match& match : route.rules[i].matches) {
        DUET_TRY(add(route, i, &match, order++));
      }
    }
    return {};
  }

  Status add(const Route& route, std::size_t rule_index, const Match* match, std::size_t order) {
    DUET_ASSIGN(auto candidate, make_candidate(route, rule_index, match, order));
    if (match == nullptr) {
      prefixes[""].push_back(std::move(candidate));
      return {};
    }
    if (match->path.type == PathMatch::Type::kRegularExpression) {
      expressions.push_back(std::move(candidate));
      return {};
    }
    const std::string& path = match->path.value;
    if (!path.starts_with('/')) {
      return invalid("path '" + path + "' does not begin with '/'");
    }
    if (match->path.type == PathMatch::Type::kExact) {
      exact[path].push_back(std::move(candidate));
      return {};
    }
    std::string prefix = path;
    while (prefix.ends_with('/')) {
      prefix.pop_back();
    }
    longest_prefix = std::max(longest_prefix, prefix.size());
    prefixes[prefix].push_back(std::move(candidate));
    return {};
  }

  void sort() {
    for (auto* map : {&exact, &prefixes}) {
      for (auto& [path, candidates] : *map) {
        std::sort(candidates.begin(), candidates.end(), more_specific);
      }
    }
    std::sort(expressions.begin(), expressions.end(), [](const auto& a, const auto& b) {
      const std::size_t a_size = a->match->path.value.size();
      const std::size_t b_size = b->match->path.value.size();
      return a_size != b_size ? a_size > b_size : more_specific(a, b);
    });
  }

  const RouteCandidate* find(std::string_view listener, const net::RequestHead& request) const {
    if (const auto found = exact.find(request.path); found != exact.end()) {
      if (const RouteCandidate* candidate = first_that_holds(found->second, listener, request)) {
        return candidate;
      }
    }
    for (const auto& candidate : expressions) {
      if (candidate->path_holds(request.path) && candidate->holds(listener, request)) {
        return candidate.get();
      }
    }
    return find_prefix(listener, request);
  }

  // Tries the path's own prefixes, longest first.
  const RouteCandidate* find_prefix(std::string_view listener,
                                    const net::RequestHead& request) const {
    std::string_view prefix = request.path;
    for (;;) {
      if (prefix.size() <= longest_prefix) {
        if (const auto found = prefixes.find(prefix); found != prefixes.end()) {
          if (const RouteCandidate* candidate =
                  first_that_holds(found->second, listener, request)) {
            return candidate;
          }
        }
      }
      const std::size_t slash = prefix.rfind('/');
      if (slash == std::string_view::npos) {
        return nullptr;
      }
      prefix = prefix.substr(0, slash);
    }
  }
};

struct RouteIndex::Compiled {
  TextMap<Host> own;  // by the names of listeners that have routes of their own
  TextMap<Host> exact;
  TextMap<Host> one_label;  // ".example.com" takes a.example.com
  TextMap<Host> wildcard;   // ".example.com" takes a.b.example.com too
  Host any;

  Host* host(const std::string& name, Route::Wildcard kind) {
    if (name.empty() || name == "*") {
      return &any;
    }
    if (!name.starts_with("*.")) {
      return &exact[name];
    }
    return kind == Route::Wildcard::kOneLabel ? &one_label[name.substr(1)]
                                              : &wildcard[name.substr(1)];
  }

  // Below the listeners of the route that have routes of their own; and below its hosts, unless it
  // is for no other listener.
  Status add(const Route& route, std::size_t& order) {
    std::size_t owners = 0;
    for (const std::string& listener : route.listeners) {
      if (const auto found = own.find(listener); found != own.end()) {
        ++owners;
        DUET_TRY(found->second.add(route, order));
      }
    }
    if (owners > 0 && owners == route.listeners.size()) {
      return {};
    }
    const std::vector<std::string> any_host{""};
    for (const std::string& name : route.hostnames.empty() ? any_host : route.hostnames) {
      DUET_TRY(host(name, route.wildcard)->add(route, order));
    }
    return {};
  }

  // The candidate of a host that is named as such or by a wildcard, the more specific name first.
  const RouteCandidate* find_named(std::string_view listener,
                                   const net::RequestHead& request) const {
    if (exact.empty() && wildcard.empty() && one_label.empty()) {
      return nullptr;
    }
    const std::string host = normalize_host(request.authority);
    const auto find_in = [&](const TextMap<Host>& hosts, std::string_view name) {
      const auto entry = hosts.find(name);
      return entry == hosts.end() ? nullptr : entry->second.find(listener, request);
    };
    if (const RouteCandidate* candidate = find_in(exact, host)) {
      return candidate;
    }
    const std::size_t first = host.find('.');
    for (std::size_t dot = first; dot != std::string::npos && dot > 0;
         dot = host.find('.', dot + 1)) {
      const std::string_view suffix = std::string_view(host).substr(dot);
      if (const RouteCandidate* candidate = find_in(wildcard, suffix)) {
        return candidate;
      }
      if (const RouteCandidate* candidate = dot == first ? find_in(one_label, suffix) : nullptr) {
        return candidate;
      }
    }
    return nullptr;
  }
};

RouteIndex::RouteIndex() : compiled_(std::make_unique<Compiled>()) {}
RouteIndex::RouteIndex(RouteIndex&&) noexcept = default;
RouteIndex& RouteIndex::operator=(RouteIndex&&) noexcept = default;
RouteIndex::~RouteIndex() = default;

Result<RouteIndex> RouteIndex::build(const RouteTable& table) {
  RouteIndex index;
  Compiled& compiled = *index.compiled_;
  for (const Listener& listener : table.listeners) {
    if (listener.own_routes) {
      compiled.own[listener.name];
    }
  }
  std::size_t order = 0;
  for (const Route& route : table.routes) {
    if (Status added = compiled.add(route, order); !added.ok()) {
      return added.error().wrap(route.name);
    }
  }
  for (auto* hosts : {&compiled.own, &compiled.exact, &compiled.one_label, &compiled.wildcard}) {
    for (auto& [name, host] : *hosts) {
      host.sort();
    }
  }
  compiled.any.sort();
  return index;
}

std::string normalize_host(std::string_view authority) {
  std::size_t size = authority.size();
  if (authority.starts_with('[')) {
    size = std::min(authority.find(']') + 1, size);
  } else {
    size = std::min(authority.find(':'), size);
  }
  std::string host(authority.substr(0, size));
  std::transform(host.begin(), host.end(), host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  if (host.size() > 1 && host.ends_with('.')) {
    host.pop_back();
  }
  return host;
}

std::optional<RouteMatch> RouteIndex::find(std::string_view listener,
                                           const net::RequestHead& request) const {
  if (const RouteCandidate* candidate = compiled_->find_named(listener, request)) {
    return match_of(*candidate);
  }
  if (const RouteCandidate* candidate = compiled_->any.find(listener, request)) {
    return match_of(*candidate);
  }
  return std::nullopt;
}

std::optional<RouteMatch> RouteIndex::find_own(std::string_view listener,
                                               const net::RequestHead& request) const {
  const auto host = compiled_->own.find(listener);
  const RouteCandidate* candidate =
      host == compiled_->own.end() ? nullptr : host->second.find(listener, request);
  return candidate == nullptr ? std::nullopt : std::optional(match_of(*candidate));
}

}  // namespace duet::gateway
