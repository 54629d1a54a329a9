#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "gateway/config.h"
#include "net/http_message.h"

namespace duet::gateway {

// What a request was matched by.
struct RouteMatch {
  const Route* route = nullptr;
  const Rule* rule = nullptr;
  std::size_t rule_index = 0;
  std::string_view
      prefix;  // of the path match if it was a prefix: what kReplacePrefixMatch replaces
  std::string_view exact_path;  // of the path match if it was exact
};

// The routes of a table made ready to be searched: hosts and exact paths by hash, prefixes by a
// hash for each of the path's own prefixes, so that the time does not grow with the number of
// routes. Immutable; refers to the table, which must outlive it.
class RouteIndex {
 public:
  // The error names the route and what is wrong with it (a regular expression, a path, a hostname).
  static Result<RouteIndex> build(const RouteTable& table);
  RouteIndex(RouteIndex&&) noexcept;
  RouteIndex& operator=(RouteIndex&&) noexcept;
  ~RouteIndex();

  // The rule for a request that came in by the listener called `listener`, with the precedence of
  // the Gateway API. A less specific host is asked if no rule of a more specific one matches.
  std::optional<RouteMatch> find(std::string_view listener, const net::RequestHead& request) const;
  // The same for a listener that has routes of its own (Listener::own_routes), whatever the host.
  std::optional<RouteMatch> find_own(std::string_view listener,
                                     const net::RequestHead& request) const;

 private:
  struct Host;
  struct Compiled;
  RouteIndex();
  std::unique_ptr<Compiled> compiled_;
};

// The host of an authority, in lower case, without port and without a dot at the end.
std::string normalize_host(std::string_view authority);

}  // namespace duet::gateway
