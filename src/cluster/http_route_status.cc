#include "cluster/http_route_status.h"

#include <algorithm>
#include <array>
#include <utility>

#include "object/gateway_controller.h"

namespace duet::cluster {
namespace {

constexpr std::size_t kMessageBytes = 4'096;
constexpr const char* kTime = "lastTransitionTime";
constexpr std::array kTold = {"status", "reason", "observedGeneration"};

// What the server has of a parent's condition Accepted; null: nothing.
Json accepted_of(const Json& entry) {
  for (const Json& one : member(entry, "conditions")) {
    if (text_of(one, "type") == "Accepted") {
      return one;
    }
  }
  return nullptr;
}

Json entry_of(const ParentVerdict& verdict, const Json& generation, const std::string& now) {
  std::string message =
      verdict.message.empty() ? "the Gateway's nodes answer this route" : verdict.message;
  message.resize(std::min(message.size(), kMessageBytes));
  const Json condition = {{"type", "Accepted"},
                          {"status", verdict.message.empty() ? "True" : "False"},
                          {"reason", verdict.reason},
                          {"message", message},
                          {"observedGeneration", generation},
                          {kTime, now}};
  return {{"parentRef", verdict.parent},
          {"controllerName", object::kGatewayController},
          {"conditions", Json::array({condition})}};
}

// Whether the server's entry says what ours would.
bool says(const Json& theirs, const Json& ours) {
  const Json there = accepted_of(theirs);
  const Json here = accepted_of(ours);
  return std::all_of(kTold.begin(), kTold.end(),
                     [&](const char* name) { return member(there, name) == member(here, name); });
}

// A change of the status is a transition, others are not (Kubernetes' API conventions).
void keep_time(const Json& theirs, Json& ours) {
  const Json there = accepted_of(theirs);
  Json& here = ours["conditions"][0];
  if (member(there, "status") == here["status"] && member(there, kTime).is_string()) {
    here[kTime] = there[kTime];
  }
}

}  // namespace

std::optional<Json> http_route_status_patch(const Json& route, const GatewayName& gateway,
                                            const std::vector<ParentVerdict>& verdicts,
                                            const std::string& now) {
  const Json& metadata = member(route, "metadata");
  const std::string ns = text_of(metadata, "namespace");
  Json parents = Json::array();
  std::vector<Json> ours;
  for (const Json& entry : member(member(route, "status"), "parents")) {
    if (!entry.is_object()) {
      continue;
    }
    const bool is_ours = text_of(entry, "controllerName") == object::kGatewayController &&
                         names(member(entry, "parentRef"), ns, gateway);
    is_ours ? ours.push_back(entry) : parents.push_back(entry);
  }
  bool same = ours.size() == verdicts.size();
  for (const ParentVerdict& verdict : verdicts) {
    Json entry = entry_of(verdict, member(metadata, "generation"), now);
    const auto there = std::find_if(ours.begin(), ours.end(), [&](const Json& one) {
      return member(one, "parentRef") == verdict.parent;
    });
    same = same && there != ours.end() && says(*there, entry);
    if (there != ours.end()) {
      keep_time(*there, entry);
    }
    parents.push_back(std::move(entry));
  }
  if (same) {
    return std::nullopt;
  }
  return Json{{"metadata", {{"resourceVersion", resource_version_of(route)}}},
              {"status", {{"parents", std::move(parents)}}}};
}

}  // namespace duet::cluster
