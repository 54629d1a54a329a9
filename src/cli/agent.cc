#include "cli/node_command.h"
#include "cli/verbs.h"

namespace duet::cli {
namespace {

constexpr Flag kFlags[] = {
    {"config", 0, "FILE", "Configuration file (docs/configuration.md)"},
    {"join", 0, "URL", "Join the cluster of this API server, https://HOST:PORT (docs/cluster.md)"},
    {"token-file", 0, "FILE", "Holds the bootstrap token to join with"},
    {"ca-file", 0, "FILE", "Certificate authority of the cluster, PEM"},
    {"bootstrap-kubeconfig", 0, "FILE", "Has server, authority and token, instead of the three"},
    {"node-name", 0, "NAME", "Name of this node (default the host's; in a cluster NAME-wasm)"},
    {"token", 0, "TOKEN", "Refused: everybody on this machine can read arguments"},
};
constexpr Example kExamples[] = {
    {"As a service", "duet agent --config /etc/duet/duet.yaml"},
    {"As a node of a cluster",
     "duet agent --join https://10.0.0.1:6443 --token-file token --ca-file ca.crt"},
};

Result<int> run(const Invocation& invocation) {
  if (!invocation.words.empty()) {
    return usage_error(invocation,
                       "manifests are named in the configuration file, not on the command line");
  }
  if (!invocation.value("token").empty()) {
    return usage_error(invocation,
                       "everybody on this machine can read arguments: write the token into a file "
                       "of mode 0600 and name it with --token-file");
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
