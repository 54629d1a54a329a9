#include "route/route_status.h"

#include <nlohmann/json.hpp>

#include "object/gateway_controller.h"

namespace duet::route {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kMessageBytes = 4'096;

Json condition(const char* type, bool holds, std::string reason, std::string message,
               const Json& generation) {
  message.resize(std::min(message.size(), kMessageBytes));
  return {{"type", type},
          {"status", holds ? "True" : "False"},
          {"reason", std::move(reason)},
          {"message", std::move(message)},
          {"observedGeneration", generation}};
}

Json conditions_of(const object::ObjectKey& key, const std::vector<RouteProblem>& problems,
                   const Json& generation) {
  std::string reason;
  std::string message;
  for (const RouteProblem& problem : problems) {
    if (problem.about != key) {
      continue;
    }
    reason = reason.empty() ? problem.reason : reason;
    message += (message.empty() ? "" : "; ") + problem.message;
  }
  const bool resolved = reason.empty();
  return Json::array(
      {condition("Accepted", true, "Accepted", "the gateway serves this route", generation),
       condition("ResolvedRefs", resolved, resolved ? "ResolvedRefs" : reason,
                 resolved ? "all that the route names is there" : message, generation)});
}

// The time of the last change of the same condition in the stored status.
std::string transition_time(const Json& stored, const Json& parent, const Json& condition,
                            const std::string& now) {
  for (const Json& known : stored) {
    if (!known.is_object() || known.value("parentRef", Json()) != parent) {
      continue;
    }
    for (const Json& earlier : known.value("conditions", Json::array())) {
      if (earlier.is_object() && earlier.value("type", Json()) == condition["type"] &&
          earlier.value("status", Json()) == condition["status"]) {
        return earlier.value("lastTransitionTime", now);
      }
    }
  }
  return now;
}

}  // namespace

std::optional<std::string> http_route_status(const object::Object& object,
                                             const std::vector<RouteProblem>& problems,
                                             const std::string& now) {
  const Json json = Json::parse(object.json, nullptr, false);
  if (!json.is_object()) {
    return std::nullopt;
  }
  try {
    const Json generation = json.at("metadata").value("generation", 1);
    const Json stored = json.value("status", Json::object()).value("parents", Json::array());
    const Json wanted = conditions_of(object.key, problems, generation);
    Json parents = Json::array();
    for (const Json& parent : json.at("spec").value("parentRefs", Json::array())) {
      Json conditions = wanted;
      for (Json& one : conditions) {
        one["lastTransitionTime"] = transition_time(stored, parent, one, now);
      }
      parents.push_back({{"parentRef", parent},
                         {"controllerName", object::kGatewayController},
                         {"conditions", std::move(conditions)}});
    }
    return Json{{"parents", std::move(parents)}}.dump(-1, ' ', false,
                                                      Json::error_handler_t::replace);
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace duet::route
