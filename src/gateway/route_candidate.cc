#include "gateway/route_candidate.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace duet::gateway {
namespace {

// Whether `text` as a whole is what `expression` describes.
bool matches(std::string_view text, const RE2& expression) {
  return RE2::FullMatch(re2::StringPiece(text.data(), text.size()), expression);
}

// The value of the first query parameter called `name`, as sent.
std::optional<std::string_view> query_value(std::string_view query, std::string_view name) {
  if (!query.empty()) {
    query.remove_prefix(1);  // '?'
  }
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == name) {
      return equals < pair.size() ? pair.substr(equals + 1) : std::string_view();
    }
  }
  return std::nullopt;
}

// All fields of one name joined by commas, as Gateway API implementations see repeated headers.
bool header_holds(const CompiledValue& wanted, const net::RequestHead& request) {
  const net::Field* first = nullptr;
  std::string joined;
  for (const net::Field& field : request.fields) {
    if (!net::equals_ignoring_case(field.name, wanted.match->name)) {
      continue;
    }
    if (first == nullptr) {
      first = &field;
      joined.clear();
    } else {
      if (joined.empty()) {
        joined = first->value;
      }
      joined.append(",").append(field.value);
    }
  }
  return first != nullptr && wanted.holds(joined.empty() ? first->value : joined);
}

Result<std::unique_ptr<RE2>> compile(const std::string& expression) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);  // bytes an expression may take
  auto compiled = std::make_unique<RE2>(expression, options);
  if (!compiled->ok()) {
    return invalid("regular expression '" + expression + "': " + compiled->error());
  }
  return compiled;
}

Result<std::vector<CompiledValue>> compile_values(const std::vector<ValueMatch>& matches) {
  std::vector<CompiledValue> compiled;
  for (const ValueMatch& match : matches) {
    CompiledValue value{.match = &match, .expression = nullptr};
    if (match.regular_expression) {
      DUET_ASSIGN(value.expression, compile(match.value));
    }
    compiled.push_back(std::move(value));
  }
  return compiled;
}

}  // namespace

bool CompiledValue::holds(std::string_view value) const {
  return expression ? matches(value, *expression) : value == match->value;
}

bool RouteCandidate::path_holds(std::string_view path_of_request) const {
  return matches(path_of_request, *path);
}

bool RouteCandidate::holds(std::string_view listener, const net::RequestHead& request) const {
  const std::vector<std::string>& listeners = route->listeners;
  if (!listeners.empty() &&
      std::find(listeners.begin(), listeners.end(), listener) == listeners.end()) {
    return false;
  }
  if (match == nullptr) {
    return true;
  }
  if (!match->method.empty() && match->method != request.method) {
    return false;
  }
  for (const CompiledValue& header : headers) {
    if (!header_holds(header, request)) {
      return false;
    }
  }
  for (const CompiledValue& parameter : query) {
    const auto value = query_value(request.query, parameter.match->name);
    if (!value || !parameter.holds(*value)) {
      return false;
    }
  }
  return true;
}

Result<std::unique_ptr<RouteCandidate>> make_candidate(const Route& route, std::size_t rule_index,
                                                       const Match* match, std::size_t order) {
  auto candidate = std::make_unique<RouteCandidate>(RouteCandidate{.route = &route,
                                                                   .rule = &route.rules[rule_index],
                                                                   .rule_index = rule_index,
                                                                   .match = match,
                                                                   .order = order});
  if (match == nullptr) {
    return candidate;
  }
  DUET_ASSIGN(candidate->headers, compile_values(match->headers));
  DUET_ASSIGN(candidate->query, compile_values(match->query));
  if (match->path.type == PathMatch::Type::kRegularExpression) {
    DUET_ASSIGN(candidate->path, compile(match->path.value));
  }
  return candidate;
}

bool more_specific(const std::unique_ptr<RouteCandidate>& a,
                   const std::unique_ptr<RouteCandidate>& b) {
  const bool a_method = a->match != nullptr && !a->match->method.empty();
  const bool b_method = b->match != nullptr && !b->match->method.empty();
  if (a_method != b_method) {
    return a_method;
  }
  if (a->headers.size() != b->headers.size()) {
    return a->headers.size() > b->headers.size();
  }
  if (a->query.size() != b->query.size()) {
    return a->query.size() > b->query.size();
  }
  return a->order < b->order;
}

const RouteCandidate* first_that_holds(const RouteCandidates& candidates, std::string_view listener,
                                       const net::RequestHead& request) {
  for (const auto& candidate : candidates) {
    if (candidate->holds(listener, request)) {
      return candidate.get();
    }
  }
  return nullptr;
}

}  // namespace duet::gateway
