#include "workload/deployment_status.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sys/rfc3339.h"

namespace duet::workload {
namespace {

using Json = nlohmann::json;

// Kubernetes' reasons. They name ReplicaSets, which duet does not have, because tools know them.
constexpr const char* kDone = "NewReplicaSetAvailable";
constexpr const char* kMoving = "ReplicaSetUpdated";
constexpr const char* kLate = "ProgressDeadlineExceeded";
constexpr const char* kPaused = "DeploymentPaused";
constexpr const char* kResumed = "DeploymentResumed";

std::string text_of(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

int number_of(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_number_integer() ? found->get<int>() : 0;
}

Json status_of(const std::string& stored_json) {
  const Json json = Json::parse(stored_json, nullptr, false);
  const auto status = json.is_object() ? json.find("status") : json.end();
  return status != json.end() && status->is_object() ? *status : Json::object();
}

Json condition_of(const Json& status, const std::string& type) {
  const auto conditions = status.find("conditions");
  if (conditions != status.end() && conditions->is_array()) {
    for (const Json& condition : *conditions) {
      if (condition.is_object() && text_of(condition, "type") == type) {
        return condition;
      }
    }
  }
  return Json::object();
}

// A condition that keeps its times as long as nothing about it changes. `progressed` renews the
// update time by itself.
Json make_condition(const Json& before, const std::string& type, bool status,
                    const std::string& reason, const std::string& message, bool progressed,
                    const std::string& now) {
  const std::string status_text = status ? "True" : "False";
  Json after = {{"type", type}, {"status", status_text}, {"reason", reason}, {"message", message}};
  const bool same_status = text_of(before, "status") == status_text;
  const bool same = same_status && text_of(before, "reason") == reason && !progressed;
  const std::string transition = text_of(before, "lastTransitionTime");
  const std::string update = text_of(before, "lastUpdateTime");
  after["lastTransitionTime"] = same_status && !transition.empty() ? transition : now;
  after["lastUpdateTime"] = same && !update.empty() ? update : now;
  return after;
}

Json available_condition(const Json& before, const object::Deployment& deployment,
                         const Counts& counts, const std::string& now) {
  const int may_miss =
      deployment.strategy == "Recreate"
          ? 0
          : resolve_count(deployment.max_unavailable, deployment.replicas, Rounding::kDown);
  const bool enough = counts.available >= deployment.replicas - may_miss;
  return make_condition(condition_of(before, "Available"), "Available", enough,
                        enough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
                        enough ? "Enough pods are available." : "Too few pods are available.",
                        false, now);
}

// Where a rollout stands.
struct Progress {
  bool status = true;
  std::string reason = kMoving;
  std::string message;
  bool progressed = false;
  std::optional<int64_t> deadline_in_ms;
};

bool is_complete(const object::Deployment& deployment, const Counts& counts) {
  return counts.updated == deployment.replicas && counts.replicas == deployment.replicas &&
         counts.available == deployment.replicas;
}

std::string tally(const object::Deployment& deployment, const Counts& counts) {
  return std::to_string(counts.updated) + " of " + std::to_string(deployment.replicas) +
         " pods have the newest template, " + std::to_string(counts.available) + " are available.";
}

Progress progress_of(const object::Deployment& deployment, const Json& before, const Counts& counts,
                     bool old_left, sys::WallTime now) {
  const Json condition = condition_of(before, "Progressing");
  const std::string reason = text_of(condition, "reason");
  if (deployment.paused) {
    return {true, kPaused, "The Deployment is paused: a new template waits.", false, {}};
  }
  // Once it was complete, only a new template begins a rollout: a pod that fails later is not one.
  const bool rolling = old_left || reason != kDone;
  if (!rolling || is_complete(deployment, counts)) {
    return {true, kDone, "All pods have the newest template and are available.", false, {}};
  }
  const Counts last{number_of(before, "replicas"), number_of(before, "updatedReplicas"),
                    number_of(before, "readyReplicas"), number_of(before, "availableReplicas")};
  const bool progressed = reason == kDone || reason == kPaused || counts.updated > last.updated ||
                          counts.ready > last.ready || counts.available > last.available ||
                          counts.replicas - counts.updated < last.replicas - last.updated;
  const auto moved = sys::parse_rfc3339(text_of(condition, "lastUpdateTime"));
  const auto since = progressed || !moved ? now : *moved;
  const auto left = since + std::chrono::seconds(deployment.progress_deadline_seconds) - now;
  const int64_t left_ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  if (!progressed && (reason == kLate || left_ms <= 0)) {
    return {false,
            kLate,
            "Nothing moved for " + std::to_string(deployment.progress_deadline_seconds) +
                " s: " + tally(deployment, counts),
            false,
            {}};
  }
  return {true, reason == kPaused ? kResumed : kMoving, tally(deployment, counts), progressed,
          std::max<int64_t>(left_ms, 1)};
}

}  // namespace

DeploymentStatus next_status(const object::Deployment& deployment, const std::string& stored_json,
                             const Counts& counts, bool old_left, sys::WallTime now) {
  const Json before = status_of(stored_json);
  const std::string now_text = sys::format_rfc3339(now);
  const Progress progress = progress_of(deployment, before, counts, old_left, now);
  Json after = {{"observedGeneration", deployment.meta.generation},
                {"replicas", counts.replicas},
                {"updatedReplicas", counts.updated},
                {"readyReplicas", counts.ready},
                {"availableReplicas", counts.available},
                {"unavailableReplicas", std::max(deployment.replicas - counts.available, 0)}};
  after["conditions"] = Json::array(
      {available_condition(before, deployment, counts, now_text),
       make_condition(condition_of(before, "Progressing"), "Progressing", progress.status,
                      progress.reason, progress.message, progress.progressed, now_text)});
  return {after.dump(), progress.deadline_in_ms};
}

}  // namespace duet::workload
