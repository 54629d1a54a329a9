#include "cli/node_command.h"
#include "cli/verbs.h"

namespace duet::cli {
namespace {

constexpr Flag kFlags[] = {
    {"config", 0, "FILE", "Configuration file (docs/configuration.md)"},
};
constexpr Example kExamples[] = {
    {"As a service", "duet agent --config /etc/duet/duet.yaml"},
};

Result<int> run(const Invocation& invocation) {
  if (!invocation.words.empty()) {
    return usage_error(invocation,
                       "manifests are named in the configuration file, not on the command line");
  }
  DUET_ASSIGN(const auto config, config_of(invocation));
  return run_node(config, SiteView::Style::kLines, OnStop::kLeaveSite);
}

}  // namespace

Verb agent_verb() {
  return {.name = "agent",
          .arguments = "",
          .summary = "Run a node as a service",
          .description =
              "Runs a node with a configuration file, for a service manager. When it is stopped or "
              "killed, "
              "pods and gateway run on, and the next agent takes them over.",
          .flags = kFlags,
          .examples = kExamples,
          .run = run};
}

}  // namespace duet::cli
