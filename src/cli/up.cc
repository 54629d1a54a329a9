#include <unistd.h>

#include "cli/node_command.h"
#include "cli/verbs.h"

namespace duet::cli {
namespace {

constexpr Flag kFlags[] = {
    {"listen", 0, "IP:PORT", "Address of the front door (default 0.0.0.0:8080); may be repeated"},
    {"listen-tls", 0, "IP:PORT",
     "Address of the front door with TLS (default none); may be repeated"},
    {"config", 0, "FILE", "A configuration file as `duet agent` has it"},
    {"node-name", 0, "NAME", "Name of this node (default the host's)"},
    {"bridge", 0, "NAME", "Network bridge of the pods (default duet0)"},
    {"subnet", 0, "CIDR", "Addresses of the pods (default 10.88.0.0/16)"},
    {"plain-http", 0, "REGISTRY", "A registry that speaks HTTP without TLS; may be repeated"},
};
constexpr Example kExamples[] = {
    {"A site from a folder of manifests", "duet up site/"},
    {"The example shop on another port", "duet up examples/shop/site --listen 127.0.0.1:9000"},
};

Result<int> run(const Invocation& invocation) {
  if (invocation.words.empty() && invocation.value("config").empty()) {
    return usage_error(invocation, "name at least one manifest file or folder");
  }
  DUET_ASSIGN(const auto config, config_of(invocation));
  const bool live = ::isatty(STDOUT_FILENO) == 1;
  return run_node(config, live ? SiteView::Style::kLive : SiteView::Style::kLines,
                  OnStop::kStopSite);
}

}  // namespace

Verb up_verb() {
  return {.name = "up",
          .arguments = "PATH...",
          .summary = "Run a node in the foreground on manifests",
          .description =
              "Runs a whole node on files and folders of manifests and shows what happens. A file "
              "that is "
              "changed, added or removed changes the site; a broken one is reported and leaves "
              "what runs "
              "untouched. Ctrl-C stops the gateway and the pods; their objects and volumes stay "
              "for the "
              "next time.",
          .flags = kFlags,
          .examples = kExamples,
          .run = run,
          .words = Words::kFiles};
}

}  // namespace duet::cli
