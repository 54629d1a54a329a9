#pragma once

#include <string>

#include "node/config.h"

namespace duet::node {

// What this node is called, in a cluster and without one: as configured, else by the host's name.
std::string node_name(const NodeConfig& config);

// What its second Node is called, the one for Wasm beside a whole node; empty: none is wanted.
std::string wasm_node_name(const NodeConfig& config);

}  // namespace duet::node
