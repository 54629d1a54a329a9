#include "node/host.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>

#include "container/machine_network.h"
#include "container/masquerade.h"
#include "sys/file.h"

namespace duet::node {

namespace {

std::string host_address() {
  std::string found = "127.0.0.1";
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) {
    return found;
  }
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    const bool usable = one->ifa_addr != nullptr && one->ifa_addr->sa_family == AF_INET &&
                        (one->ifa_flags & IFF_LOOPBACK) == 0 && (one->ifa_flags & IFF_UP) != 0;
    std::array<char, INET_ADDRSTRLEN> text{};
    if (usable && ::inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(one->ifa_addr)->sin_addr,
                              text.data(), text.size()) != nullptr) {
      found = text.data();
      break;
    }
  }
  ::freeifaddrs(all);
  return found;
}

// A bridge of duet's own.
Result<container::Cni> load_bridge(const NodeConfig& config, const std::string& cache, Host& host) {
  container::BridgeNetwork network{.name = config.bridge,
                                   .bridge = config.bridge,
                                   .subnet = config.subnet,
                                   .ipam_data_directory = config.paths.state + "/cni/addresses"};
  if (!container::iptables_installed()) {
    network.port_map = false;
    host.problems.emplace_back(
        "no iptables: pods reach this host only, and hostPort does nothing; install iptables");
  } else if (const Status set = container::masquerade(network); !set.ok()) {
    host.problems.push_back("pods reach this host only: " + set.error().message());
  } else {
    host.masqueraded = network;
  }
  return container::Cni::load({.conflist = container::bridge_conflist(network),
                               .plugin_directories = config.cni_plugin_directories,
                               .cache_directory = cache});
}

Result<container::Cni> load_configured(const NodeConfig& config, const std::string& cache) {
  DUET_ASSIGN(std::string text, container::first_conflist(config.cni_config_directory));
  return container::Cni::load({.conflist = std::move(text),
                               .plugin_directories = config.cni_plugin_directories,
                               .cache_directory = cache});
}

// What is configured, else in a cluster what the machine has already, else a bridge.
Result<container::Cni> load_network(const NodeConfig& config, Host& host) {
  const std::string cache = config.paths.state + "/cni/results";
  if (!config.cni_config_directory.empty()) {
    host.machines_network = true;
    return load_configured(config, cache);
  }
  if (!config.join.wanted()) {
    return load_bridge(config, cache, host);
  }
  const auto places = container::usual_cni_places(config.cni_plugin_directories);
  if (auto found = container::find_machine_network(places, cache, host.problems)) {
    host.machines_network = true;
    host.network_note = "pods get addresses of the network \"" + found->cni.network() + "\" of " +
                        found->config_directory;
    return std::move(found->cni);
  }
  host.network_note = "no pod network in";
  for (const auto& place : places) {
    host.network_note += " " + place.config_directory;
  }
  host.network_note += ": pods get addresses of duet's bridge " + config.bridge +
                       ", which the cluster does not route to";
  return load_bridge(config, cache, host);
}

Result<container::OciRuntime> find_runtime(const NodeConfig& config) {
  const std::string scratch = config.paths.run + "/oci-probe";
  DUET_TRY(sys::make_directories(scratch, 0700));
  auto runtime = container::OciRuntime::probe(
      {.candidates = config.oci_runtimes, .state_root = config.paths.run + "/oci"}, scratch);
  (void)sys::remove_tree(scratch);
  return runtime;
}

// Takes the value, or notes why there is none.
template <typename T>
void keep(Result<T> result, std::optional<T>& into, std::string& problem,
          std::vector<std::string>& problems) {
  if (result.ok()) {
    into.emplace(std::move(*result));
  } else {
    problem = result.error().message();
    problems.push_back(problem);
  }
}

}  // namespace

std::string kubernetes_architecture() {
  utsname name{};
  ::uname(&name);
  const std::string machine = name.machine;
  if (machine == "x86_64") {
    return "amd64";
  }
  if (machine == "aarch64") {
    return "arm64";
  }
  return machine.starts_with("arm") ? "arm" : machine;
}

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

Host examine_host(const NodeConfig& config, const std::string& helpers) {
  Host host;
  host.address = host_address();
  if (::geteuid() != 0) {
    host.runtime_problem = "containers need root; this agent runs Wasm only";
    host.network_problem = "a pod network needs root";
    host.problems.push_back(host.runtime_problem);
    return host;
  }
  std::string ignored;
  keep(sys::Cgroups::detect("/sys/fs/cgroup"), host.cgroups, ignored, host.problems);
  keep(find_runtime(config), host.oci_runtime, host.runtime_problem, host.problems);
  keep(container::probe_host(config.seccomp_profile), host.bundle_host, host.runtime_problem,
       host.problems);
  keep(load_network(config, host), host.cni, host.network_problem, host.problems);
  auto layers = container::LayerStore::open(
      {.root = config.paths.layers(), .unpacker = helpers + "/duet-unpack"});
  if (layers.ok()) {
    host.layers = std::move(*layers);
  } else {
    host.runtime_problem = layers.error().message();
    host.problems.push_back(host.runtime_problem);
  }
  return host;
}

}  // namespace duet::node
