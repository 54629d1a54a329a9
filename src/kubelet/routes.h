#pragma once

#include "api/exchange.h"
#include "kubelet/stats.h"

namespace duet::kubelet {

// Answers one request to the kubelet's API of `node` of somebody who may send it.
void route(api::Exchange& exchange, const NodeView& node);

}  // namespace duet::kubelet
