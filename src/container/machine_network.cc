#include "container/machine_network.h"

#include <utility>

namespace duet::container {

namespace {

Result<Cni> load_first(const CniPlace& place, std::string conflist,
                       const std::string& cache_directory) {
  return Cni::load({.conflist = std::move(conflist),
                    .plugin_directories = place.plugin_directories,
                    .cache_directory = cache_directory});
}

}  // namespace

std::vector<CniPlace> usual_cni_places(const std::vector<std::string>& plugin_directories,
                                       const std::string& root) {
  const std::string k3s = root + "/var/lib/rancher/k3s";
  std::vector<std::string> k3s_plugins = {k3s + "/data/cni", k3s + "/data/current/bin"};
  k3s_plugins.insert(k3s_plugins.end(), plugin_directories.begin(), plugin_directories.end());
  return {{root + "/etc/cni/net.d", plugin_directories},
          {k3s + "/agent/etc/cni/net.d", std::move(k3s_plugins)}};
}

std::optional<MachineNetwork> find_machine_network(const std::vector<CniPlace>& places,
                                                   const std::string& cache_directory,
                                                   std::vector<std::string>& problems) {
  for (const auto& place : places) {
    auto conflist = first_conflist(place.config_directory);
    if (!conflist.ok() && conflist.error().code() == ErrorCode::kNotFound) {
      continue;
    }
    auto cni = conflist.ok() ? load_first(place, std::move(*conflist), cache_directory)
                             : Result<Cni>(conflist.error());
    if (cni.ok()) {
      return MachineNetwork{std::move(*cni), place.config_directory};
    }
    problems.push_back(place.config_directory +
                       ": its pod network cannot be used: " + cni.error().message());
  }
  return std::nullopt;
}

}  // namespace duet::container
