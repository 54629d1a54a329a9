#pragma once

#include <re2/re2.h>

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/config.h"
#include "net/http_message.h"

namespace duet::gateway {

// A ValueMatch with its regular expression compiled; refers to it.
struct CompiledValue {
  const ValueMatch* match;
  std::unique_ptr<RE2> expression;  // null: exact
  bool holds(std::string_view value) const;
};

// One match of one rule, made ready to be held against requests. Refers to the table that has the
// route, which must outlive it. Reading is thread-safe.
struct RouteCandidate {
  const Route* route;
  const Rule* rule;
  std::size_t rule_index;
  const Match* match;         // null: everything
  std::size_t order;          // of the match in the table
  std::unique_ptr<RE2> path;  // null: not a regular expression
  std::vector<CompiledValue> headers;
  std::vector<CompiledValue> query;

  // Whether the regular expression, which there must be, describes the whole path.
  bool path_holds(std::string_view path_of_request) const;
  // Whether all but the path holds: listener, method, headers and query parameters.
  bool holds(std::string_view listener, const net::RequestHead& request) const;
};

using RouteCandidates = std::vector<std::unique_ptr<RouteCandidate>>;

// The candidate of `match`, one of the rule's or null; `order` is its number in the table.
// kInvalid: one of its regular expressions is none.
Result<std::unique_ptr<RouteCandidate>> make_candidate(const Route& route, std::size_t rule_index,
                                                       const Match* match, std::size_t order);

// Whether `a` is asked before `b`, among matches of the same path: with a method, most headers,
// most query parameters, the earlier one.
bool more_specific(const std::unique_ptr<RouteCandidate>& a,
                   const std::unique_ptr<RouteCandidate>& b);

// The first of `candidates` of which all but the path holds; null if there is none.
const RouteCandidate* first_that_holds(const RouteCandidates& candidates, std::string_view listener,
                                       const net::RequestHead& request);

}  // namespace duet::gateway
