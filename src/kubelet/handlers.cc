#include "kubelet/handlers.h"

#include "api/pod_log.h"
#include "cluster/json_field.h"
#include "kubelet/node_pods.h"

namespace duet::kubelet {
namespace {

// With the name that the cluster knows it by.
std::string json_of(const NodePod& pod) {
  if (pod.name == pod.object.key.name) {
    return pod.object.json;
  }
  auto json = cluster::Json::parse(pod.object.json, nullptr, false);
  json["metadata"]["name"] = pod.name;
  return cluster::to_text(json);
}

}  // namespace

void refuse(api::Exchange& exchange, const api::Failure& failure) {
  exchange.answer_text(failure.http_status, failure.message);
}

void handle_health(api::Exchange& exchange, const NodeView&) { exchange.answer_text(200, "ok"); }

void handle_pods(api::Exchange& exchange, const NodeView& node) {
  const auto pods = node_pods(exchange.context.store, node);
  if (!pods.ok()) {
    return refuse(exchange, api::failure_of(pods.error()));
  }
  std::string list = R"({"kind":"PodList","apiVersion":"v1","metadata":{},"items":[)";
  for (std::size_t i = 0; i < pods->size(); ++i) {
    list += (i == 0 ? "" : ",") + json_of((*pods)[i]);
  }
  exchange.answer_json(200, list + "]}");
}

void handle_container_logs(api::Exchange& exchange, const std::string& container) {
  if (const auto failure = api::serve_log(exchange, container)) {
    refuse(exchange, *failure);
  }
}

}  // namespace duet::kubelet
