#pragma once

#include "base/result.h"
#include "cli/invocation.h"
#include "cli/site_view.h"
#include "node/config.h"

// What `up` and `agent` have in common.
namespace duet::cli {

// The configuration that --config and the flags give; flags win.
Result<node::NodeConfig> config_of(const Invocation& invocation);

// What becomes of the site when the node is asked to stop.
enum class OnStop { kStopSite, kLeaveSite };

// Runs a node until SIGINT or SIGTERM. The exit code.
Result<int> run_node(const node::NodeConfig& config, SiteView::Style style, OnStop on_stop);

}  // namespace duet::cli
