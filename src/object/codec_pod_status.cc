#include <nlohmann/json.hpp>

#include "object/codec.h"
#include "object/codec_parts.h"

namespace duet::object {

using nlohmann::json;

namespace {

void read_state(const JsonNode& node, ContainerState& out) {
  if (node["terminated"].check_object()) {
    const JsonNode state = node["terminated"];
    out.type = ContainerState::Type::kTerminated;
    state["reason"].read(out.reason);
    state["message"].read(out.message);
    state["exitCode"].read(out.exit_code);
    state["signal"].read(out.signal);
    state["startedAt"].read(out.started_at);
    state["finishedAt"].read(out.finished_at);
    state["containerID"].read(out.container_id);
  } else if (node["running"].check_object()) {
    out.type = ContainerState::Type::kRunning;
    node["running"]["startedAt"].read(out.started_at);
  } else {
    out.type = ContainerState::Type::kWaiting;
    node["waiting"]["reason"].read(out.reason);
    node["waiting"]["message"].read(out.message);
  }
}

void read_container_status(const JsonNode& node, ContainerStatus& out) {
  node["name"].read(out.name);
  node["image"].read(out.image);
  node["imageID"].read(out.image_id);
  node["containerID"].read(out.container_id);
  read_state(node["state"], out.state);
  const JsonNode last = node["lastState"];
  if (last.check_object() && !last.value()->empty()) {
    read_state(last, out.last_state.emplace());
  }
  node["restartCount"].read(out.restart_count);
  node["ready"].read(out.ready);
  node["started"].read(out.started);
}

void read_condition(const JsonNode& node, PodCondition& out) {
  node["type"].read(out.type);
  node["status"].read(out.status);
  node["reason"].read(out.reason);
  node["message"].read(out.message);
  node["lastTransitionTime"].read(out.last_transition_time);
}

void put(json& object, const char* member, const std::string& value) {
  if (!value.empty()) {
    object[member] = value;
  }
}

json encode_state(const ContainerState& state) {
  json inner = json::object();
  const char* member = "waiting";
  switch (state.type) {
    case ContainerState::Type::kWaiting:
      put(inner, "reason", state.reason);
      put(inner, "message", state.message);
      break;
    case ContainerState::Type::kRunning:
      member = "running";
      put(inner, "startedAt", state.started_at);
      break;
    case ContainerState::Type::kTerminated:
      member = "terminated";
      inner["exitCode"] = state.exit_code;
      if (state.signal != 0) {
        inner["signal"] = state.signal;
      }
      put(inner, "reason", state.reason);
      put(inner, "message", state.message);
      put(inner, "startedAt", state.started_at);
      put(inner, "finishedAt", state.finished_at);
      put(inner, "containerID", state.container_id);
      break;
  }
  return json{{member, std::move(inner)}};
}

json encode_container_status(const ContainerStatus& status) {
  json out = {{"name", status.name},
              {"image", status.image},
              {"imageID", status.image_id},
              {"ready", status.ready},
              {"restartCount", status.restart_count},
              {"started", status.started},
              {"state", encode_state(status.state)}};
  put(out, "containerID", status.container_id);
  out["lastState"] = status.last_state ? encode_state(*status.last_state) : json::object();
  return out;
}

json encode_condition(const PodCondition& condition) {
  json out = {{"type", condition.type}, {"status", condition.status}};
  put(out, "reason", condition.reason);
  put(out, "message", condition.message);
  put(out, "lastTransitionTime", condition.last_transition_time);
  return out;
}

template <typename T>
void put_list(json& object, const char* member, const std::vector<T>& items,
              json (*encode)(const T&)) {
  if (items.empty()) {
    return;
  }
  json list = json::array();
  for (const T& item : items) {
    list.push_back(encode(item));
  }
  object[member] = std::move(list);
}

void put_ip(json& object, const char* member, const char* list_member, const std::string& ip) {
  if (!ip.empty()) {
    object[member] = ip;
    object[list_member] = json::array({json{{"ip", ip}}});
  }
}

}  // namespace

void read_pod_status(const JsonNode& status, PodStatus& out) {
  status["phase"].read(out.phase);
  status["reason"].read(out.reason);
  status["message"].read(out.message);
  status["hostIP"].read(out.host_ip);
  status["podIP"].read(out.pod_ip);
  status["startTime"].read(out.start_time);
  status["conditions"].read_list(out.conditions, read_condition);
  status["initContainerStatuses"].read_list(out.init_container_statuses, read_container_status);
  status["containerStatuses"].read_list(out.container_statuses, read_container_status);
}

std::string encode_pod_status(const PodStatus& status) {
  json out = {{"phase", status.phase}};
  put(out, "reason", status.reason);
  put(out, "message", status.message);
  put_ip(out, "hostIP", "hostIPs", status.host_ip);
  put_ip(out, "podIP", "podIPs", status.pod_ip);
  put(out, "startTime", status.start_time);
  put_list(out, "conditions", status.conditions, encode_condition);
  put_list(out, "initContainerStatuses", status.init_container_statuses, encode_container_status);
  put_list(out, "containerStatuses", status.container_statuses, encode_container_status);
  // Messages may quote what a program wrote; bytes that are no UTF-8 must not fail here.
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace duet::object
