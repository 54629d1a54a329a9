#include "kubelet/routes.h"

#include "kubelet/handlers.h"
#include "kubelet/node_pods.h"
#include "kubelet/pod_path.h"

namespace duet::kubelet {
namespace {

struct PathRoute {
  std::string_view path;
  void (*handler)(api::Exchange&, const NodeView&);
};
// GET only.
constexpr PathRoute kPathRoutes[] = {
    {"/healthz", handle_health},
    {"/pods", handle_pods},
    {"/metrics", handle_metrics},
    {"/metrics/resource", handle_resource_metrics},
    {"/metrics/cadvisor", handle_cadvisor_metrics},
    {"/stats/summary", handle_stats_summary},
};

struct PodRoute {
  std::string_view root;  // with its slash
  PodPathForm form;
  bool post;  // beside GET: for clients that ask for SPDY
  void (*handler)(api::Exchange&, const std::string& container);
};
constexpr PodRoute kPodRoutes[] = {
    {"/containerLogs/", PodPathForm::kContainer, false, handle_container_logs},
    {"/exec/", PodPathForm::kUidOrContainer, true, handle_exec},
    {"/attach/", PodPathForm::kUidOrContainer, true, handle_attach},
    {"/portForward/", PodPathForm::kUid, true, handle_port_forward},
};

void route_pod(api::Exchange& exchange, const PodRoute& route, const NodeView& node) {
  const std::string& method = exchange.request.method;
  if (method != "GET" && !(route.post && method == "POST")) {
    return exchange.answer_text(405, "Method Not Allowed");
  }
  const auto path =
      parse_pod_path(std::string_view(exchange.request.path).substr(route.root.size()), route.form);
  if (!path) {
    return exchange.answer_text(404, "404 page not found");
  }
  const auto pod = find_node_pod(exchange.context.store, node, path->pod, path->uid);
  if (!pod.ok() || exchange.context.pods == nullptr) {
    return refuse(exchange, api::failure_of(
                                pod.ok() ? Error(ErrorCode::kUnavailable, "this node runs no pods")
                                         : pod.error()));
  }
  exchange.path = {.ns = pod->key.ns, .name = pod->key.name};
  route.handler(exchange, path->container);
}

}  // namespace

void route(api::Exchange& exchange, const NodeView& node) {
  auto query = api::Query::parse(exchange.request.query);
  if (!query.ok()) {
    return exchange.answer_text(400, query.error().message());
  }
  exchange.query = std::move(*query);
  for (const PathRoute& one : kPathRoutes) {
    if (one.path == exchange.request.path) {
      return exchange.request.method == "GET" ? one.handler(exchange, node)
                                              : exchange.answer_text(405, "Method Not Allowed");
    }
  }
  for (const PodRoute& one : kPodRoutes) {
    if (exchange.request.path.starts_with(one.root)) {
      return route_pod(exchange, one, node);
    }
  }
  exchange.answer_text(404, "404 page not found");
}

}  // namespace duet::kubelet
