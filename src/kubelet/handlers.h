#pragma once

#include "api/exchange.h"
#include "kubelet/stats.h"

// What answers requests to the kubelet's API; routes.cc has the table of which request goes where.
// Each function answers `exchange` exactly once, errors in plain text: API servers put them into
// their own answers.
namespace duet::kubelet {

void handle_health(api::Exchange& exchange, const NodeView& node);
// The PodList of this node's pods.
void handle_pods(api::Exchange& exchange, const NodeView& node);

// What the agent and its gateways count, and what the pods use.
void handle_metrics(api::Exchange& exchange, const NodeView& node);
void handle_resource_metrics(api::Exchange& exchange, const NodeView& node);
void handle_cadvisor_metrics(api::Exchange& exchange, const NodeView& node);
void handle_stats_summary(api::Exchange& exchange, const NodeView& node);

// What follows is about the pod that exchange.path names, which is there.
void handle_container_logs(api::Exchange& exchange, const std::string& container);
void handle_exec(api::Exchange& exchange, const std::string& container);
void handle_attach(api::Exchange& exchange, const std::string& container);
void handle_port_forward(api::Exchange& exchange, const std::string& container);

// Answers with `failure` in plain text.
void refuse(api::Exchange& exchange, const api::Failure& failure);

}  // namespace duet::kubelet
