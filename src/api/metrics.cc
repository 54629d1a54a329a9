#include "api/handlers.h"
#include "observe/exposition.h"

namespace duet::api {

void handle_metrics(Exchange& exchange) {
  if (!exchange.context.metrics) {
    return exchange.answer({.http_status = 503,
                            .reason = "ServiceUnavailable",
                            .message = "this node has no metrics"});
  }
  (void)exchange.connection.respond(200, {{"Content-Type", std::string(observe::kContentType)}},
                                    exchange.context.metrics());
}

}  // namespace duet::api
