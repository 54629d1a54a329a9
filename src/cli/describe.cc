#include <cstdio>

#include "api/resource_path.h"
#include "cli/api_client.h"
#include "cli/describe_endpoints.h"
#include "cli/describe_text.h"
#include "cli/targets.h"
#include "cli/verbs.h"
#include "net/http_target.h"

namespace duet::cli {
namespace {

constexpr Flag kFlags[] = {
    {"selector", 'l', "SELECTOR", "Only objects with these labels: app=web,tier!=db"},
    {"show-events", 0, "", "Show the object's events; --show-events=false leaves them out"},
};
constexpr Example kExamples[] = {
    {"Why a pod does not start", "duet describe pod till"},
    {"All pods of an application", "duet describe pods -l app=shop"},
};

Result<std::vector<Json>> fetch(ApiClient& api, const Invocation& invocation,
                                const Target& target) {
  std::string path = api::resource_path(target.kind, invocation.ns(), target.name);
  if (const std::string selector = invocation.value("selector");
      !selector.empty() && target.name.empty()) {
    path += "?labelSelector=" + net::percent_encode(selector);
  }
  DUET_ASSIGN(Json answer, api.get(path));
  std::vector<Json> out;
  if (!target.name.empty()) {
    out.push_back(std::move(answer));
    return out;
  }
  for (Json& item : answer["items"]) {
    out.push_back(std::move(item));
  }
  return out;
}

Result<std::string> events_of(ApiClient& api, const Json& object, sys::WallTime now) {
  const std::string ns = text_at(object, "/metadata/namespace");
  const std::string selector = "involvedObject.uid=" + text_at(object, "/metadata/uid");
  DUET_ASSIGN(const Json list,
              api.get(api::resource_path(object::Kind::kEvent, ns.empty() ? "default" : ns) +
                      "?fieldSelector=" + net::percent_encode(selector)));
  return describe_events(at(list, "/items"), now);
}

// What is said of the objects that belong to this one; empty: nothing.
Result<std::string> neighbours_of(ApiClient& api, object::Kind kind, const Json& object) {
  if (kind != object::Kind::kService) {
    return std::string();
  }
  const auto matching = [&](object::Kind wanted, const std::string& selector) -> Result<Json> {
    if (selector.empty()) {
      return Json::object();
    }
    return api.get(api::resource_path(wanted, text_at(object, "/metadata/namespace")) +
                   "?labelSelector=" + net::percent_encode(selector));
  };
  DUET_ASSIGN(const Json pods, matching(object::Kind::kPod, selector_of(object)));
  DUET_ASSIGN(const Json slices, matching(object::Kind::kEndpointSlice, slices_of(object)));
  return describe_endpoints(object, at(pods, "/items"), at(slices, "/items"));
}

Result<int> run(const Invocation& invocation) {
  const auto targets = parse_targets(invocation.words);
  if (!targets.ok()) {
    return usage_error(invocation, targets.error().message());
  }
  if (targets->empty()) {
    return usage_error(invocation, "say what to describe, for example: duet describe pod web");
  }
  DUET_ASSIGN(auto api, ApiClient::connect(invocation));
  const auto now = sys::SystemClock().now();
  bool first = true;
  for (const Target& target : *targets) {
    DUET_ASSIGN(const auto objects, fetch(api, invocation, target));
    for (const Json& object : objects) {
      std::string text = describe_object(target.kind, object, now);
      DUET_ASSIGN(const std::string neighbours, neighbours_of(api, target.kind, object));
      text += neighbours;
      if (invocation.value("show-events", "true") != "false") {
        DUET_ASSIGN(const std::string events, events_of(api, object, now));
        text += events;
      }
      std::printf("%s%s", first ? "" : "\n\n", text.c_str());
      first = false;
    }
  }
  if (first) {
    std::fprintf(stderr, "No resources found in %s namespace.\n", invocation.ns().c_str());
  }
  return 0;
}

}  // namespace

Verb describe_verb() {
  return {.name = "describe",
          .arguments = "(KIND [NAME...] | KIND/NAME...)",
          .summary = "Tell all about an object, with its events",
          .description = "For people. What scripts read is printed by duet get -o json.",
          .flags = kFlags,
          .examples = kExamples,
          .run = run,
          .words = Words::kKinds};
}

}  // namespace duet::cli
