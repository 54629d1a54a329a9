#include "route/route_policy.h"

#include <algorithm>

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

void read_reuse(const object::StringMap& annotations, ReadRoutePolicy& read) {
  std::int64_t requests = read.reuse.requests;
  std::int64_t concurrency = read.reuse.concurrency;
  read_annotation(annotations, "instance-reuse", requests, read.problems);
  read_annotation(annotations, "instance-concurrency", concurrency, read.problems);
  if (concurrency > requests) {
    read.problems.push_back(
        "annotation duet.edge/instance-concurrency: a sandbox answers no more than "
        "duet.edge/instance-reuse requests, which is " +
        std::to_string(requests));
  }
  read.reuse = {.requests = static_cast<std::int32_t>(requests),
                .concurrency = static_cast<std::int32_t>(std::min(concurrency, requests))};
}

}  // namespace

ReadRoutePolicy read_route_policy(const object::StringMap& annotations,
                                  const gateway::RoutePolicy& defaults) {
  ReadRoutePolicy read{.policy = defaults};
  read_annotation(annotations, "max-request-bytes", read.policy.request_bytes, read.problems);
  read_rate(annotations, read);
  read_reuse(annotations, read);
  if (const std::string* coding = find_annotation_text(annotations, "compression")) {
    read.policy.compress = *coding == "gzip";
  }
  return read;
}

}  // namespace duet::route
