#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

// Pod networks by the Container Network Interface, versions 0.3.1 to 1.0.0 (CNI SPEC.md, sections 1
// to 5): duet is the runtime that executes the plugins.
namespace duet::container {

// duet's own network, used when no other is configured.
struct BridgeNetwork {
  std::string name = "duet";
  std::string bridge = "duet0";
  std::string subnet = "10.88.0.0/16";
  std::string ipam_data_directory = "/run/duet/cni/networks";
  bool port_map = true;  // hostPort; needs iptables
};

// Whether masquerading and hostPort can work here: the program iptables is installed.
bool iptables_installed();

// A conflist (CNI spec, section 1) as text. Its pods reach beyond the node once masquerade() was
// called.
std::string bridge_conflist(const BridgeNetwork& network);

// The text of the first network of `directory` by file name (*.conflist, *.conf, *.json; one plugin
// alone becomes a list), as CRI runtimes choose it. kNotFound: there is none.
Result<std::string> first_conflist(const std::string& directory);

struct CniPort {
  int host_port = 0;
  int container_port = 0;
  std::string protocol = "tcp";
  std::string host_ip;
};

// One pod to be attached.
struct CniPod {
  std::string id;                 // CNI_CONTAINERID: letters, digits, ".", "_", "-"
  std::string network_namespace;  // path
  std::string name;               // K8S_POD_NAME
  std::string ns;                 // K8S_POD_NAMESPACE
  std::string uid;                // K8S_POD_UID
  std::vector<CniPort> ports;
};

struct CniAddress {
  std::string address;  // "10.88.0.5", without prefix
  int prefix_length = 0;
  std::string gateway;         // may be empty
  std::string interface_name;  // inside the pod
};

struct CniResult {
  std::vector<CniAddress> addresses;  // of the pod's interface, the first is the pod IP
  std::string json;                   // the last plugin's whole result
};

// One network and its plugins. Thread-safe; calls for one pod exclude each other across processes
// by a lock file.
class Cni {
 public:
  struct Options {
    std::string conflist;  // text
    std::vector<std::string> plugin_directories = {"/opt/cni/bin", "/usr/lib/cni"};
    std::string cache_directory = "/run/duet/cni";  // results, needed by DEL; made if missing
    std::string interface_name = "eth0";
    int64_t timeout_ms = 30'000;  // of one plugin
  };

  // Checks the list and that every plugin is there. kNotFound names the missing plugins and where
  // they were looked for.
  static Result<Cni> load(Options options);

  const std::string& network() const { return name_; }

  // Attaches the pod. After a failure what was half done is taken back.
  Result<CniResult> add(const CniPod& pod) const;
  // Whether the pod's attachment is as add() left it.
  Status check(const CniPod& pod) const;
  // Detaches the pod, in the reverse order. One that was never attached, or whose namespace is
  // gone, is fine.
  Status remove(const CniPod& pod) const;
  // What add() returned, from the cache. kNotFound: not attached.
  Result<CniResult> cached(const CniPod& pod) const;
  // The ids of the pods that are attached, or were half attached; by any network with this cache.
  Result<std::vector<std::string>> attached() const;

 private:
  struct Plugin {
    std::string type;
    std::string path;
    std::string config;  // JSON
  };
  struct Attachment;  // what the cache file of one pod holds

  Cni() = default;
  Result<std::vector<Plugin>> find_plugins(const std::string& list) const;
  Result<std::string> execute(const Plugin& plugin, const std::string& command,
                              const Attachment& attachment) const;
  Status add_all(Attachment& attachment) const;
  Status remove_all(const Attachment& attachment) const;
  Status forget(const CniPod& pod) const;
  Status remove_half_written() const;
  std::string pod_file(const CniPod& pod, const char* suffix) const;
  Result<Attachment> read_attachment(const CniPod& pod) const;
  Status write_attachment(const Attachment& attachment) const;

  Options options_;
  std::string name_;
};

}  // namespace duet::container
