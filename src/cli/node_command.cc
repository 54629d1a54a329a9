#include "cli/node_command.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "cli/image_options.h"
#include "cli/raw_terminal.h"
#include "node/node.h"

namespace duet::cli {

namespace {

// Signals that end the node, kept for sigwait(). Threads made later inherit the mask.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int one : {SIGINT, SIGTERM, SIGHUP}) {
    sigaddset(&set, one);
  }
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return set;
}

void wait_for_signal(const sigset_t& set) {
  int got = 0;
  do {
    sigwait(&set, &got);
  } while (got == SIGHUP);
}

}  // namespace

Result<node::NodeConfig> config_of(const Invocation& invocation) {
  node::NodeConfig config;
  config.paths = invocation.paths();
  if (const std::string file = invocation.value("config"); !file.empty()) {
    auto read = node::read_config(file, config);
    if (!read.ok()) {
      return command_error(read.error());
    }
    config = std::move(*read);
  }
  if (const auto listen = invocation.values("listen"); !listen.empty()) {
    config.listen = listen;
  }
  if (const auto listen = invocation.values("listen-tls"); !listen.empty()) {
    config.listen_tls = listen;
  }
  if (const auto registries = invocation.values("plain-http"); !registries.empty()) {
    config.plain_http_registries = registries;
  }
  if (const std::string kubeconfig = invocation.value("bootstrap-kubeconfig");
      !kubeconfig.empty() || !invocation.value("join").empty()) {
    config.join = {.server = invocation.value("join"),
                   .token_file = invocation.value("token-file"),
                   .ca_file = invocation.value("ca-file"),
                   .bootstrap_kubeconfig = kubeconfig};
  }
  config.node_name = invocation.value("node-name", config.node_name);
  config.bridge = invocation.value("bridge", config.bridge);
  config.subnet = invocation.value("subnet", config.subnet);
  config.manifests.insert(config.manifests.end(), invocation.words.begin(), invocation.words.end());
  if (config.access_log.empty()) {
    config.access_log = config.paths.logs + "/../duet/access.log";
  }
  if (const Status checked = node::check_config(config); !checked.ok()) {
    return command_error(checked.error());
  }
  return config;
}

Result<int> run_node(const node::NodeConfig& config, SiteView::Style style, OnStop on_stop) {
  const sigset_t signals = block_signals();
  const sys::SystemClock clock;
  SiteView view(
      style, clock,
      [](const std::string& text) {
        std::fputs(text.c_str(), stdout);
        std::fflush(stdout);
      },
      [] { return terminal_size(STDOUT_FILENO).value_or(api::TerminalSize()); });
  auto started =
      node::Node::start(config, {.log = [&](const std::string& line) { view.log(line); },
                                 .folder = [&](const auto& report) { view.folder(report); },
                                 .routes = [&](const auto& table) { view.routes(table); }});
  if (!started.ok()) {
    return command_error(started.error());
  }
  const auto node = std::move(*started);
  DUET_TRY(view.follow(node->store()));
  view.log("duet " DUET_VERSION " is up; the local API is " + config.paths.socket);
  wait_for_signal(signals);
  if (on_stop == OnStop::kStopSite) {
    view.log("stopping the site; once more ends at once");
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    const Status stopped = node->stop_site();
    if (!stopped.ok()) {
      return stopped.error();
    }
  }
  view.stop();
  return 0;
}

}  // namespace duet::cli
