#pragma once

#include "api/exchange.h"

namespace duet::api {

// Answers one request of any kind: finds its handler in the tables, or says 404 or 405.
void route(Exchange& exchange);

}  // namespace duet::api
