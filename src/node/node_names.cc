#include "node/node_names.h"

#include <algorithm>
#include <cctype>

#include "node/host.h"

namespace duet::node {
namespace {

constexpr const char* kWasmEnding = "-wasm";

}  // namespace

// A kubelet of the same machine has the host's name for its own Node.
std::string node_name(const NodeConfig& config) {
  if (!config.node_name.empty() || !config.join.wanted()) {
    return config.node_name.empty() ? host_name() : config.node_name;
  }
  std::string name = host_name();
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return config.node_kind == "wasm" ? name + kWasmEnding : name;
}

std::string wasm_node_name(const NodeConfig& config) {
  const bool wanted = config.join.wanted() && config.wasm_node_percent > 0;
  return wanted ? node_name(config) + kWasmEnding : "";
}

}  // namespace duet::node
