#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "gateway/config.h"
#include "gateway/control_client.h"
#include "route/pod_listeners.h"
#include "sys/fd.h"
#include "wasm/code_cache.h"

namespace duet::route {

struct GatewayOptions {
  std::string executable;               // duet-gateway
  std::string run_directory;            // gets the control socket and what the gateway says
  int workers = 0;                      // 0: one for each core
  std::vector<std::string> file_roots;  // folders below which static files are
  std::string log_directory;            // below which handlers' logs are; empty: they have none
  std::vector<gateway::Listener> listeners;
  gateway::ForwardingConfig forwarding;
  std::string access_log;                     // path; made if missing
  std::uint64_t access_log_bytes = 64 << 20;  // then it becomes <path>.1
  std::string user;  // "uid:gid" to which the worker drops; empty: it stays the agent's user
  std::vector<std::string> cgroup_procs_files;  // of the gateway's own cgroup, one a hierarchy
  std::int64_t start_wait_ms = 10'000;   // from its start, that serve() waits for its first answer
  std::int64_t start_limit_ms = 30'000;  // then one that says nothing is ended
};

// How the shared group's workers reach the gateway of another group.
struct GroupWay {
  std::string name;
  std::vector<std::string> sockets;  // one for each of its workers
};

// A gateway of this node, a supervisor with its workers: found when it runs already, started when
// it does not. Used by one thread at a time, except ended_fd().
class GatewayProcess {
 public:
  // `cache` has the code of handlers; it must outlive this.
  GatewayProcess(GatewayOptions options, wasm::CodeCache& cache)
      : options_(std::move(options)), cache_(cache) {}

  // Makes the gateway serve `table` (its listeners and generation are filled in here): starts one
  // if none runs, gives it the sockets and the code that it has not, and the ways to the groups
  // that the table names, swaps the table. Errors: a port that is taken is named; kUnavailable: one
  // that was started does not answer yet, and the next serve() finds it. A socket of `pods` that
  // cannot be opened is left out: unopened().
  Status serve(gateway::RouteTable table, const std::vector<GroupWay>& ways = {},
               const std::vector<PodListener>& pods = {});

  // Listeners of pods, by their names, that the last serve() could not open, and why.
  const std::map<std::string, std::string>& unopened() const { return unopened_; }

  // The sockets of its listener for worker groups, which has them at <address>.<worker>.
  std::vector<std::string> group_sockets() const;

  // Readable as soon as the supervisor of the last serve() has ended; -1: none was started.
  int ended_fd() const { return pidfd_.get(); }

  // Where the listeners are, with the ports that the kernel chose.
  const std::vector<gateway::Listener>& listeners() const { return options_.listeners; }

  // Whether the gateway of the last serve() has ended, and is forgotten by the system too.
  bool ended() const;

  // What the gateway counted, in Prometheus' text format. kUnavailable: none runs. Thread-safe.
  Result<std::string> metrics() const;
  // How it is. kUnavailable: none runs. Thread-safe.
  Result<gateway::WorkerStatus> status() const;

  // Ends the gateway after what is in flight, at the latest after `timeout_ms`. Nobody finds it any
  // more: the next serve() starts another.
  Status stop(std::int64_t timeout_ms);

 private:
  // One that was started and has not answered yet.
  struct Start {
    pid_t pid = 0;
    sys::Fd pidfd;
    std::chrono::steady_clock::time_point since;
  };
  Result<gateway::ControlClient> connect();
  Status start_gateway();
  Result<gateway::ControlClient> await_start();
  void end_start();
  void note_process(const gateway::WorkerStatus& status);
  Status give_listeners(gateway::ControlClient& client, const gateway::WorkerStatus& status);
  Status give_pod_listeners(gateway::ControlClient& client, const gateway::WorkerStatus& status,
                            const std::vector<PodListener>& pods, gateway::RouteTable& table);
  Status give_code(gateway::ControlClient& client, const gateway::WorkerStatus& status,
                   const gateway::RouteTable& table);
  static Status give_folders(gateway::ControlClient& client, const gateway::RouteTable& table);
  static Status give_ways(gateway::ControlClient& client, const gateway::WorkerStatus& status,
                          const std::vector<GroupWay>& ways);
  Status give_access_log(gateway::ControlClient& client);
  std::string socket_path() const { return options_.run_directory + "/gateway.sock"; }

  GatewayOptions options_;
  wasm::CodeCache& cache_;
  std::optional<Start> start_;
  std::map<std::string, std::string> unopened_;
  sys::Fd pidfd_;
  std::int64_t pid_ = 0;
  std::int32_t workers_ = 0;
  std::uint64_t generation_ = 0;
};

}  // namespace duet::route
