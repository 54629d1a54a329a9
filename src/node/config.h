#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/site_paths.h"
#include "cluster/identity.h"

namespace duet::node {

// Everything that a person may set. docs/configuration.md describes each key.
struct NodeConfig {
  SitePaths paths;
  std::string node_name;  // empty: the host's name, in a cluster with "-wasm" behind it
  std::vector<std::string> manifests;  // files and folders
  cluster::JoinOptions join;           // none: a site of its own
  std::string node_kind = "wasm";      // or whole: what the cluster sees of it
  // Of the machine, offered by a second Node for Wasm beside a whole one; 0: there is none.
  int wasm_node_percent = 0;
  std::map<std::string, std::string> node_labels;  // of its Nodes in a cluster
  std::string ingress_class;    // of the cluster's Ingresses that are routes here; empty: none
  std::string ingress_address;  // that their status says; empty: none
  std::string cluster_gateway;  // of the cluster, whose HTTPRoutes are routes here; empty: none
  std::string kubelet_listen = "0.0.0.0:10250";        // the kubelet's API; empty: none
  std::string wasm_kubelet_listen = "0.0.0.0:10260";   // the second Node's; empty: none
  std::string client_ca_file;                          // who may vouch for its clients
  std::vector<std::string> listen = {"0.0.0.0:8080"};  // the front door
  std::vector<std::string> listen_tls;                 // the same with TLS
  std::string access_log;                              // empty: <logs>/../duet/access.log

  int gateway_workers = 0;                       // of each worker group; 0: one for each core
  int max_tenants = 16;                          // with handlers, each a worker group
  bool async_handlers = true;                    // whether handlers of wasi:http 0.3 may run
  std::int64_t max_request_bytes = 256LL << 20;  // of a body; 0: no bound
  std::vector<std::string> proxy_protocol;       // which of the addresses above expect its header
  std::vector<std::string> trusted_proxies;      // who is believed when it says for whom it asks
  std::string forwarded_field = "X-Forwarded-For";  // or Forwarded: where they say it

  std::string gateway_ca_file;  // authorities for handlers' https beside the system's

  std::string compression = "off";  // or gzip: of answers, where no route says otherwise
  std::map<std::string, std::string> static_roots;  // folders whose files Services may serve

  // The pod network: what a CNI configuration folder says, else a bridge of duet's own.
  std::string cni_config_directory;
  std::vector<std::string> cni_plugin_directories = {"/opt/cni/bin", "/usr/lib/cni"};
  std::string bridge = "duet0";
  std::string subnet = "10.88.0.0/16";

  std::vector<std::string> oci_runtimes = {"crun", "runc"};  // the first that works
  std::string seccomp_profile = "/usr/share/containers/seccomp.json";

  std::vector<std::string> plain_http_registries;
  std::string registry_auth_file;
  std::string registry_ca_file;
};

// Reads the configuration file of `duet agent` over `defaults`. Unknown keys are refused. The error
// has every problem, one a line, with file, line and column.
Result<NodeConfig> read_config(const std::string& path, const NodeConfig& defaults);

// What no machine could carry out: addresses, names and networks that are none. kInvalid names the
// value, the key and the flag.
Status check_config(const NodeConfig& config);

}  // namespace duet::node
