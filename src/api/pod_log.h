#pragma once

#include <optional>
#include <string>

#include "api/exchange.h"
#include "api/failure.h"

namespace duet::api {

// Answers with the log of `container` (empty: the first one) of the pod that exchange.path names,
// as the query's tailLines, sinceSeconds, sinceTime, limitBytes, timestamps, previous and follow
// say. A followed one ends with its container or its reader. Gives what is to be answered instead
// when there is no log to send.
std::optional<Failure> serve_log(Exchange& exchange, const std::string& container);

}  // namespace duet::api
