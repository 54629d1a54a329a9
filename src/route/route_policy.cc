#include "route/route_policy.h"

#include "object/annotations.h"
#include "route/annotation_value.h"

namespace duet::route {

namespace {

// A client may make the whole number at once, unless the annotations say otherwise.
void read_rate(const object::StringMap& annotations, ReadRoutePolicy& read) {
  constexpr std::string_view kName = "rate-limit";
  const std::string* text = find_annotation_text(annotations, kName);
  if (text == nullptr) {
    return;
  }
  const auto rate = object::parse_rate(*text);
  if (!rate.ok()) {
    read.problems.push_back(annotation_problem(kName, *text, rate.error()));
    return;
  }
  gateway::RateLimit& into = read.policy.rate;
  into = {.count = rate->count, .period_ms = rate->period_ms, .burst = rate->count};
  read_annotation(annotations, "rate-limit-burst", into.burst, read.problems);
}

}  // namespace

ReadRoutePolicy read_route_policy(const object::StringMap& annotations,
                                  const gateway::RoutePolicy& defaults) {
  ReadRoutePolicy read{.policy = defaults};
  read_annotation(annotations, "max-request-bytes", read.policy.request_bytes, read.problems);
  read_rate(annotations, read);
  if (const std::string* coding = find_annotation_text(annotations, "compression")) {
    read.policy.compress = *coding == "gzip";
  }
  return read;
}

}  // namespace duet::route
