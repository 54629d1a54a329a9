#include "node/cluster_side.h"

#include <optional>
#include <utility>

#include "cluster/cluster_node.h"
#include "kubelet/server.h"
#include "node/node_names.h"
#include "sys/machine.h"

namespace duet::node {
namespace {

class RunningSide final : public ClusterSide {
 public:
  explicit RunningSide(ClusterParts parts) : parts_(std::move(parts)) {}

  Status begin() {
    DUET_ASSIGN(const sys::Machine machine, sys::examine_machine());
    kubelet::Listening listening = listen(config().kubelet_listen, "kubeletListen");
    kubelet::Listening wasm_listening;
    cluster::ClusterOptions options{.join = config().join,
                                    .facts = facts(machine, listening.port),
                                    .directory = directory(),
                                    .measured_path = config().paths.state,
                                    .images = parts_.images,
                                    .ingress_class = config().ingress_class,
                                    .ingress_address = config().ingress_address,
                                    .gateway = config().cluster_gateway,
                                    .presence = parts_.presence,
                                    .services_heard = parts_.services_heard,
                                    .log = parts_.log};
    if (const std::string name = wasm_node_name(config()); !name.empty()) {
      wasm_listening = listen(config().wasm_kubelet_listen, "wasmKubeletListen");
      options.second = {.facts = wasm_facts(machine, name, wasm_listening.port),
                        .directory = wasm_directory()};
      cluster::share_machine(options.facts, options.second->facts, config().wasm_node_percent);
    }
    DUET_ASSIGN(cluster_, cluster::ClusterNode::start(parts_.store, parts_.clock, parts_.random,
                                                      std::move(options)));
    DUET_ASSIGN(kubelet_,
                serve(std::move(listening), cluster_->access(), kubelet_options(directory())));
    if (const auto* access = cluster_->second_access()) {
      DUET_ASSIGN(wasm_kubelet_, serve(std::move(wasm_listening), *access, wasm_kubelet_options()));
    }
    return {};
  }

 private:
  const NodeConfig& config() const { return parts_.config; }
  std::string directory() const { return config().paths.state + "/cluster"; }
  std::string wasm_directory() const { return directory() + "/wasm"; }

  cluster::NodeFacts facts_of(const sys::Machine& machine, std::string name, int port) const {
    return {.name = std::move(name),
            .host_name = host_name(),
            .address = parts_.host.address,
            .architecture = kubernetes_architecture(),
            .labels = config().node_labels,
            .runtime_handlers = {"wasm"},
            .kubelet_port = port,
            .machine = machine};
  }

  cluster::NodeFacts facts(const sys::Machine& machine, int port) const {
    cluster::NodeFacts facts = facts_of(machine, node_name(config()), port);
    if (config().node_kind == "wasm") {
      return cluster::wasm_node(std::move(facts));
    }
    if (parts_.host.oci_runtime) {
      facts.runtime_handlers.push_back(parts_.host.oci_runtime->name());
    }
    return cluster::whole_node(std::move(facts));
  }

  cluster::NodeFacts wasm_facts(const sys::Machine& machine, const std::string& name,
                                int port) const {
    return cluster::wasm_node(facts_of(machine, name, port));
  }

  // `key` of the configuration has the address. A node whose kubelet's API nobody can reach runs
  // pods all the same.
  kubelet::Listening listen(const std::string& address, const std::string& key) const {
    if (address.empty()) {
      return {};
    }
    auto listening = kubelet::listen(address);
    if (listening.ok()) {
      return std::move(*listening);
    }
    parts_.log(
        "kubelet: no logs, exec and metrics for the cluster: " + listening.error().message() +
        "; a kubelet of the same machine has port 10250, set cluster." + key + " to another one");
    return {};
  }

  kubelet::ServerOptions kubelet_options(const std::string& directory) const {
    return {.node_name = node_name(config()),
            .dns_names = {host_name()},
            .ip_addresses = {parts_.host.address},
            .directory = directory,
            .measured_path = config().paths.state,
            .client_ca_file = config().client_ca_file,
            .log = parts_.log};
  }

  kubelet::ServerOptions wasm_kubelet_options() const {
    kubelet::ServerOptions options = kubelet_options(wasm_directory());
    options.node_name = wasm_node_name(config());
    options.has_site_pods = false;
    options.log = [log = parts_.log, name = options.node_name](const std::string& line) {
      log("node " + name + ": " + line);
    };
    return options;
  }

  // Null: nobody listens.
  Result<std::unique_ptr<kubelet::Server>> serve(kubelet::Listening listening,
                                                 const cluster::CurrentAccess& access,
                                                 kubelet::ServerOptions options) const {
    if (!listening.socket.valid()) {
      return std::unique_ptr<kubelet::Server>();
    }
    return kubelet::Server::start(parts_.api, std::move(listening), access, parts_.clock,
                                  parts_.random, std::move(options));
  }

  const ClusterParts parts_;
  std::unique_ptr<cluster::ClusterNode> cluster_;
  std::unique_ptr<kubelet::Server> kubelet_;
  std::unique_ptr<kubelet::Server> wasm_kubelet_;
};

}  // namespace

Result<std::unique_ptr<ClusterSide>> ClusterSide::start(ClusterParts parts) {
  auto side = std::make_unique<RunningSide>(std::move(parts));
  DUET_TRY(side->begin());
  return std::unique_ptr<ClusterSide>(std::move(side));
}

}  // namespace duet::node
