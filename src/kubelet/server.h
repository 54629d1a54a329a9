#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/context.h"
#include "base/result.h"
#include "cluster/access.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/randomness.h"

// The kubelet's API of a node of a cluster: what its API server asks for kubectl logs, exec and the
// like, and what collects metrics. docs/cluster.md says what is there.
namespace duet::kubelet {

struct ServerOptions {
  std::string node_name;
  std::vector<std::string> dns_names;     // for the serving certificate
  std::vector<std::string> ip_addresses;  // for the serving certificate
  std::string directory;                  // keeps the certificate: <state>/cluster
  std::string measured_path;              // on the file system that pods fill
  bool has_site_pods = true;              // and not another Node of this machine: see NodeView
  std::string client_ca_file;          // who may vouch for clients; empty: the cluster's authority
  std::size_t connection_limit = 256;  // at the same time, a thread each; more are closed
  std::int64_t timeout_ms = 30'000;    // of each wait for a client, while no stream is open
  std::function<void(const std::string& line)> log;
};

// A socket that clients can already connect to, and its port, which the Node object tells.
struct Listening {
  sys::Fd socket;
  int port = 0;
};
// `address` is "IP:PORT"; port 0 is one that the kernel chooses. kInvalid: it is none;
// kAlreadyExists: another program, such as a kubelet, listens there.
Result<Listening> listen(const std::string& address);

// Serves until it is destroyed, which ends all connections.
class Server {
 public:
  // What `context` names, `access`, `clock` and `random` must outlive it. kInvalid: the authority
  // for clients cannot be read.
  static Result<std::unique_ptr<Server>> start(const api::Context& context, Listening listening,
                                               const cluster::CurrentAccess& access,
                                               const sys::Clock& clock, sys::Random& random,
                                               ServerOptions options);
  virtual ~Server() = default;
};

}  // namespace duet::kubelet
