// A table of routes and a request, both of the input: what the index finds is what one finds who
// looks at every match of every route and takes the best.
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fuzz_input.h"
#include "base/require.h"
#include "gateway/route_index.h"

using namespace duet;           // NOLINT
using namespace duet::gateway;  // NOLINT

namespace {

constexpr std::size_t kRoutes = 8;
constexpr std::string_view kListener = "web";
constexpr std::string_view kAnything = ".*";  // at the end of all regular expressions

struct Request {
  std::string authority;
  std::string path;
  std::string query;
  std::string method;
  std::vector<std::string> headers;  // fields called x-a

  net::RequestHead head() const {
    net::RequestHead head;
    head.authority = authority;
    head.path = path;
    head.query = query;
    head.method = method;
    for (const std::string& value : headers) {
      head.fields.push_back({"X-A", value});
    }
    return head;
  }
};

// Paths as the parser lets them through.
bool visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

Request read_request(FuzzInput& input) {
  Request request{.authority = input.text(),
                  .path = "/" + input.text(),
                  .query = input.text(),
                  .method = input.text()};
  request.query = request.query.empty() ? "" : "?" + request.query;
  request.headers.resize(input.number(3));
  for (std::string& header : request.headers) {
    header = input.text();
  }
  return request;
}

Match read_match(FuzzInput& input) {
  constexpr std::array kTypes = {PathMatch::Type::kPrefix, PathMatch::Type::kExact,
                                 PathMatch::Type::kRegularExpression};
  const std::size_t kind = input.number(256);
  Match match{.path = {kTypes[kind % kTypes.size()], "/" + input.text()}};
  if (match.path.type == PathMatch::Type::kRegularExpression) {
    match.path.value = RE2::QuoteMeta(match.path.value) + std::string(kAnything);
  }
  if ((kind & 16U) != 0) {
    match.method = input.text();
  }
  if ((kind & 32U) != 0) {
    match.headers.push_back({"x-a", input.text()});
  }
  if ((kind & 64U) != 0) {
    match.query.push_back({"q", input.text()});
  }
  return match;
}

RouteTable read_table(FuzzInput& input) {
  RouteTable table;
  while (!input.empty() && table.routes.size() < kRoutes) {
    const std::size_t kind = input.number(256);
    Route route{.name = std::to_string(table.routes.size())};
    route.wildcard =
        (kind & 1U) != 0 ? Route::Wildcard::kOneLabel : Route::Wildcard::kOneOrMoreLabels;
    if ((kind & 2U) != 0) {
      route.listeners = {(kind & 4U) != 0 ? std::string(kListener) : "other"};
    }
    for (std::size_t i = 0; i < (kind >> 3U & 3U); ++i) {
      route.hostnames.push_back(input.text());
    }
    Rule rule;
    for (std::size_t i = 0; i < (kind >> 6U & 3U); ++i) {
      rule.matches.push_back(read_match(input));
    }
    route.rules.push_back(std::move(rule));
    table.routes.push_back(std::move(route));
  }
  return table;
}

// How well something fits, the most important first.
using Fitness = std::array<std::size_t, 6>;

// The host in words of the table: 0: any; else the longer the better, a name before all wildcards,
// and of two wildcards the wider one first. Nothing: it does not fit.
std::optional<std::size_t> host_fitness(std::string_view name, Route::Wildcard kind,
                                        std::string_view host) {
  if (name.empty() || name == "*") {
    return 0;
  }
  if (!name.starts_with("*.")) {
    return name == host ? std::optional<std::size_t>(1 << 20) : std::nullopt;
  }
  const std::string_view suffix = name.substr(1);
  if (host.size() <= suffix.size() || !host.ends_with(suffix) || host.front() == '.') {
    return std::nullopt;
  }
  const bool wide = kind == Route::Wildcard::kOneOrMoreLabels;
  const std::string_view labels = host.substr(0, host.size() - suffix.size());
  if (!wide && labels.find('.') != labels.npos) {
    return std::nullopt;
  }
  return 2 * suffix.size() + (wide ? 1 : 0);
}

// What a path fits by: its kind, and how long that is.
std::optional<std::pair<std::size_t, std::size_t>> path_fitness(const PathMatch& match,
                                                                std::string_view path) {
  std::string_view value = match.value;
  switch (match.type) {
    case PathMatch::Type::kExact:
      return value == path ? std::optional(std::pair<std::size_t, std::size_t>{3, 0})
                           : std::nullopt;
    case PathMatch::Type::kRegularExpression: {
      const std::string all(value.substr(0, value.size() - kAnything.size()));
      std::string plain;  // without the escapes of QuoteMeta
      for (std::size_t i = 0; i < all.size(); ++i) {
        plain += all[i] == '\\' ? all[++i] : all[i];
      }
      return path.starts_with(plain)
                 ? std::optional(std::pair<std::size_t, std::size_t>{2, value.size()})
                 : std::nullopt;
    }
    case PathMatch::Type::kPrefix:
      while (value.ends_with('/')) {
        value.remove_suffix(1);
      }
      return path.starts_with(value) && (path.size() == value.size() || path[value.size()] == '/')
                 ? std::optional(std::pair<std::size_t, std::size_t>{1, value.size()})
                 : std::nullopt;
  }
  return std::nullopt;
}

bool conditions_hold(const Match& match, const Request& request) {
  if (!match.method.empty() && match.method != request.method) {
    return false;
  }
  std::string joined;
  for (std::size_t i = 0; i < request.headers.size(); ++i) {
    joined += (i == 0 ? "" : ",") + request.headers[i];
  }
  for (const ValueMatch& header : match.headers) {
    if (request.headers.empty() || joined != header.value) {
      return false;
    }
  }
  // The first q, with or without a value.
  const std::string pairs = "&" + (request.query.empty() ? "" : request.query.substr(1)) + "&";
  const std::size_t bare = pairs.find("&q&");
  const std::size_t valued = pairs.find("&q=");
  for (const ValueMatch& parameter : match.query) {
    const std::size_t begin = valued == pairs.npos ? pairs.npos : valued + 3;
    const std::string value =
        valued < bare ? pairs.substr(begin, pairs.find('&', begin) - begin) : "";
    if (std::min(bare, valued) == pairs.npos || value != parameter.value) {
      return false;
    }
  }
  return true;
}

const Route* find_plainly(const RouteTable& table, const Request& request) {
  const std::string host = normalize_host(request.authority);
  const Route* best = nullptr;
  Fitness most{};
  const Match everything;
  for (const Route& route : table.routes) {
    const auto& listeners = route.listeners;
    if (!listeners.empty() && listeners[0] != kListener) {
      continue;
    }
    const std::vector<std::string> any = {""};
    for (const std::string& name : route.hostnames.empty() ? any : route.hostnames) {
      const auto host_fits = host_fitness(name, route.wildcard, host);
      const auto& matches = route.rules[0].matches;
      for (std::size_t i = 0; host_fits && i < std::max<std::size_t>(matches.size(), 1); ++i) {
        const Match& match = matches.empty() ? everything : matches[i];
        const auto path_fits = path_fitness(match.path, request.path);
        if (!path_fits || !conditions_hold(match, request)) {
          continue;
        }
        const Fitness fits = {1 + *host_fits,       path_fits->first,
                              path_fits->second,    match.method.empty() ? 0U : 1U,
                              match.headers.size(), match.query.size()};
        if (fits > most) {
          most = fits;
          best = &route;
        }
      }
    }
  }
  return best;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLimitBytes = 4 << 10;
  if (size > kLimitBytes) {
    return 0;
  }
  FuzzInput input(data, size);
  const Request request = read_request(input);
  const RouteTable table = read_table(input);
  const auto index = RouteIndex::build(table);
  if (!index.ok() || !visible(request.path)) {
    return 0;
  }
  const auto found = index->find(kListener, request.head());
  require((found ? found->route : nullptr) == find_plainly(table, request));
  return 0;
}
