#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "engine/engine.h"
#include "gateway/acceptor.h"
#include "gateway/front.h"
#include "gateway/group_acceptor.h"
#include "gateway/groups.h"
#include "gateway/sandbox_engine.h"
#include "gateway/template_cache.h"
#include "gateway/upstream_pool.h"
#include "gateway/worker_status.h"
#include "net/event_loop.h"

namespace duet::gateway {

struct WorkerOptions {
  ClientLimits clients;
  engine::EngineOptions engine;
  net::ResolverOptions dns;
  std::uint64_t seed = 1;  // of the choice among weighted backends
};

// One worker: an event loop's worth of listeners, routes, handlers and upstream connections.
// Everything happens on the loop's thread; several workers share nothing but listening sockets.
class Worker {
 public:
  static Result<std::unique_ptr<Worker>> create(net::EventLoop& loop, const WorkerOptions& options);
  ~Worker();

  void add_listener(const std::string& name, sys::Fd fd);
  void add_code(const std::string& digest, sys::Fd fd) {
    templates_.add_code(digest, std::move(fd));
  }
  // A folder that backends may serve, O_PATH or open for reading; takes the place of an earlier
  // one.
  void add_folder(const std::string& name, sys::Fd fd) {
    folders_[name] = std::make_shared<const sys::Fd>(std::move(fd));
  }
  // How the gateway of another worker group is reached.
  void add_group(const std::string& name, sys::Fd way) {
    groups_.peer(name)->set_way(std::move(way));
  }
  void set_access_log(sys::Fd fd) { front_.access_log.open(std::move(fd)); }
  // Makes everything that the table needs, then swaps. On an error nothing has changed.
  Status set_table(RouteTable table);
  // Closes the listeners and idle connections, and stops the loop when the last request is done, at
  // the latest after `timeout_ms`.
  void drain(std::int64_t timeout_ms);
  WorkerStatus status() const;
  // In Prometheus' text format; what several workers say can be merged (observe/exposition.h).
  std::string metrics() const;

 private:
  Worker(net::EventLoop& loop, const WorkerOptions& options, std::unique_ptr<SandboxEngine> engine);
  Result<std::shared_ptr<Backend>> make_backend(const BackendConfig& config);
  std::shared_ptr<Backend> make_files(const std::string& name, const FilesBackend& config);
  Status prepare_tls(const RouteTable& table);
  Status open_listeners(const RouteTable& table);
  void keep_for_groups(const ActiveTable& last);
  void drop_unused(const RouteTable& table);
  void drain_unnamed(const std::map<std::string, bool, std::less<>>& named);
  void check_drained();

  net::EventLoop& loop_;
  std::unique_ptr<SandboxEngine> engine_;
  TemplateCache templates_;
  Front front_;
  UpstreamPool pool_;
  Groups groups_;
  std::map<std::string, sys::Fd> sockets_;  // sent, and not named by a table yet
  std::map<std::string, std::shared_ptr<const sys::Fd>> folders_;
  std::map<std::string, std::unique_ptr<Acceptor>> acceptors_;
  std::map<std::string, std::unique_ptr<GroupAcceptor>> group_acceptors_;
  std::unordered_map<std::string, const BackendConfig*> configs_;  // of the table in use
  std::int64_t drain_until_ns_ = 0;
  net::MemberTimer<Worker, &Worker::check_drained> drain_timer_{*this};
};

}  // namespace duet::gateway
