#include "kubelet/handlers.h"
#include "observe/exposition.h"

// /metrics and /stats.
namespace duet::kubelet {
namespace {

void answer_metrics(api::Exchange& exchange, const std::string& text) {
  (void)exchange.connection.respond(200, {{"Content-Type", std::string(observe::kContentType)}},
                                    text);
}

// Measures, and answers with what `write` makes of it.
void answer_measured(api::Exchange& exchange, const NodeView& node,
                     std::string (*write)(const NodeStats&)) {
  const auto stats = measure(exchange.context, node);
  if (!stats.ok()) {
    return refuse(exchange, api::failure_of(stats.error()));
  }
  answer_metrics(exchange, write(*stats));
}

}  // namespace

void handle_metrics(api::Exchange& exchange, const NodeView&) {
  answer_metrics(exchange, exchange.context.metrics ? exchange.context.metrics() : "");
}

void handle_resource_metrics(api::Exchange& exchange, const NodeView& node) {
  answer_measured(exchange, node, resource_metrics);
}

void handle_cadvisor_metrics(api::Exchange& exchange, const NodeView& node) {
  answer_measured(exchange, node, cadvisor_metrics);
}

void handle_stats_summary(api::Exchange& exchange, const NodeView& node) {
  const auto stats = measure(exchange.context, node);
  if (!stats.ok()) {
    return refuse(exchange, api::failure_of(stats.error()));
  }
  exchange.answer_json(200, stats_summary(*stats, node));
}

}  // namespace duet::kubelet
