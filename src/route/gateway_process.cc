#include "route/gateway_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <set>

#include "sys/file.h"
#include "sys/namespace.h"
#include "sys/process.h"

namespace duet::route {

namespace {

constexpr int kStartCheckMs = 10;  // between two looks at a gateway that starts

// "IP:PORT" of a bound socket, so that a port chosen by the kernel can be told.
std::string local_address(int fd, const std::string& asked) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return asked;
  }
  const auto port = address.ss_family == AF_INET6
                        ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                        : reinterpret_cast<sockaddr_in*>(&address)->sin_port;
  return asked.substr(0, asked.rfind(':') + 1) + std::to_string(ntohs(port));
}

std::string group_socket(const std::string& address, int worker) {
  return address + "." + std::to_string(worker);
}

Result<std::vector<sys::Fd>> listen_group_many(const std::string& address, int count) {
  std::vector<sys::Fd> sockets;
  for (int worker = 0; worker < count; ++worker) {
    DUET_ASSIGN(sockets.emplace_back(), gateway::listen_group(group_socket(address, worker)));
  }
  return sockets;
}

// Opened by a thread of its own in the pod's network; they stay there, whoever holds them.
Result<std::vector<sys::Fd>> listen_in_pod(const PodListener& pod, int count) {
  std::vector<sys::Fd> sockets;
  DUET_TRY(sys::in_network_namespace(pod.network_namespace, [&]() -> Status {
    DUET_ASSIGN(sockets, gateway::listen_tcp_many(pod.bind_address, count));
    return {};
  }));
  return sockets;
}

// One for each worker.
Status add_sockets(gateway::ControlClient& client, const std::string& name,
                   const std::vector<sys::Fd>& sockets) {
  int worker = 0;
  for (const sys::Fd& socket : sockets) {
    DUET_TRY(client.add_listener(name, socket.get(), worker++));
  }
  return {};
}

sys::Fd open_process(pid_t pid) {
  return sys::Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

bool has(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

}  // namespace

Status GatewayProcess::serve(gateway::RouteTable table, const std::vector<GroupWay>& ways,
                             const std::vector<PodListener>& pods) {
  DUET_ASSIGN(auto client, connect());
  DUET_ASSIGN(const auto status, client.status());
  generation_ = std::max(generation_, status.generation) + 1;
  DUET_TRY(give_listeners(client, status));
  table.listeners = options_.listeners;
  DUET_TRY(give_pod_listeners(client, status, pods, table));
  DUET_TRY(give_code(client, status, table));
  DUET_TRY(give_folders(client, table));
  DUET_TRY(give_ways(client, status, ways));
  DUET_TRY(give_access_log(client));
  table.forwarding = options_.forwarding;
  table.generation = generation_;
  DUET_TRY(client.set_table(table));
  note_process(status);
  return {};
}

void GatewayProcess::note_process(const gateway::WorkerStatus& status) {
  workers_ = status.workers;
  if (pid_ != status.pid) {
    pid_ = status.pid;
    pidfd_ = open_process(static_cast<pid_t>(pid_));
  }
}

Result<gateway::ControlClient> GatewayProcess::connect() {
  if (sys::file_exists(socket_path())) {
    auto running = gateway::ControlClient::connect(socket_path(), 0);
    if (running.ok()) {
      start_.reset();
      return running;
    }
  }
  if (!start_) {
    DUET_TRY(start_gateway());
  }
  return await_start();
}

Status GatewayProcess::start_gateway() {
  DUET_TRY(sys::make_directories(options_.run_directory, 0700));
  ::unlink(socket_path().c_str());
  sys::Command command{.argv = {options_.executable, "--control", socket_path()},
                       .new_session = true,
                       .cgroup_procs_files = options_.cgroup_procs_files};
  const auto add = [&command](const char* name, const std::string& value) {
    if (!value.empty()) {
      command.argv.insert(command.argv.end(), {name, value});
    }
  };
  add("--user", options_.user);
  add("--read", cache_.directory());
  for (const std::string& root : options_.file_roots) {
    add("--read", sys::file_exists(root) ? root : "");
  }
  add("--write", options_.log_directory);
  add("--workers", options_.workers > 0 ? std::to_string(options_.workers) : "");
  DUET_ASSIGN(const sys::Fd log, sys::open_file(options_.run_directory + "/gateway.log",
                                                O_WRONLY | O_CREAT | O_APPEND, 0600));
  command.stdout_fd = command.stderr_fd = log.get();
  DUET_ASSIGN(const pid_t pid, sys::spawn(command));
  start_ = Start{pid, open_process(pid), std::chrono::steady_clock::now()};
  return {};
}

// Waits until it answers or has ended; a time after its start only looks.
Result<gateway::ControlClient> GatewayProcess::await_start() {
  using std::chrono::milliseconds;
  const auto until = start_->since + milliseconds(options_.start_wait_ms);
  for (;;) {
    auto client = gateway::ControlClient::connect(socket_path(), 0);
    if (client.ok()) {
      start_.reset();
      return client;
    }
    pollfd process{start_->pidfd.get(), POLLIN, 0};
    const auto now = std::chrono::steady_clock::now();
    if (::poll(&process, 1, now < until ? kStartCheckMs : 0) > 0) {
      const auto ended = sys::wait(start_->pid);
      start_.reset();
      return client.error().wrap("the gateway ended with " +
                                 (ended.ok() ? ended->describe() : "an unknown status") + ", see " +
                                 options_.run_directory + "/gateway.log");
    }
    if (now - start_->since >= milliseconds(options_.start_limit_ms)) {
      end_start();
      return internal("the gateway did not answer in time and was ended, see " +
                      options_.run_directory + "/gateway.log");
    }
    if (now >= until) {
      return Error(ErrorCode::kUnavailable, "the gateway does not answer yet");
    }
  }
}

// Ends one that was started and has not answered.
void GatewayProcess::end_start() {
  if (start_) {
    ::kill(-start_->pid, SIGKILL);  // it has a session of its own
    (void)sys::wait(start_->pid);
    start_.reset();
  }
}

Status GatewayProcess::give_listeners(gateway::ControlClient& client,
                                      const gateway::WorkerStatus& status) {
  for (auto& listener : options_.listeners) {
    if (has(status.listeners, listener.name)) {
      continue;
    }
    auto sockets = listener.group ? listen_group_many(listener.address, status.workers)
                                  : gateway::listen_tcp_many(listener.address, status.workers);
    if (!sockets.ok()) {
      return sockets.error();
    }
    if (!listener.group) {
      listener.address = local_address(sockets->front().get(), listener.address);
    }
    DUET_TRY(add_sockets(client, listener.name, *sockets));
  }
  return {};
}

// A pod that goes takes its network with it, which must not keep the others from being served.
Status GatewayProcess::give_pod_listeners(gateway::ControlClient& client,
                                          const gateway::WorkerStatus& status,
                                          const std::vector<PodListener>& pods,
                                          gateway::RouteTable& table) {
  const std::set<std::string> held(status.listeners.begin(), status.listeners.end());
  unopened_.clear();
  for (const PodListener& pod : pods) {
    if (!held.contains(pod.listener.name)) {
      const auto sockets = listen_in_pod(pod, status.workers);
      if (!sockets.ok()) {
        unopened_[pod.listener.name] = sockets.error().message();
        continue;
      }
      DUET_TRY(add_sockets(client, pod.listener.name, *sockets));
    }
    table.listeners.push_back(pod.listener);
  }
  return {};
}

Status GatewayProcess::give_code(gateway::ControlClient& client,
                                 const gateway::WorkerStatus& status,
                                 const gateway::RouteTable& table) {
  std::set<std::string> given(status.codes.begin(), status.codes.end());
  for (const auto& backend : table.backends) {
    const auto* handler = std::get_if<gateway::HandlerBackend>(&backend.kind);
    if (handler == nullptr || !given.insert(handler->code).second) {
      continue;
    }
    DUET_ASSIGN(const auto code, cache_.find(handler->code, handler->use));
    DUET_TRY(client.add_code(handler->code, code.fd.get()));
  }
  return {};
}

// Also those that it has: a folder may have been replaced since.
Status GatewayProcess::give_folders(gateway::ControlClient& client,
                                    const gateway::RouteTable& table) {
  std::set<std::string> given;
  for (const auto& backend : table.backends) {
    const auto* files = std::get_if<gateway::FilesBackend>(&backend.kind);
    if (files == nullptr || !given.insert(files->folder).second) {
      continue;
    }
    DUET_ASSIGN(const sys::Fd folder, sys::open_file(files->folder, O_PATH | O_DIRECTORY));
    DUET_TRY(client.add_folder(files->folder, folder.get()));
  }
  return {};
}

std::vector<std::string> GatewayProcess::group_sockets() const {
  std::vector<std::string> sockets;
  for (const auto& listener : options_.listeners) {
    for (int worker = 0; listener.group && worker < workers_; ++worker) {
      sockets.push_back(group_socket(listener.address, worker));
    }
  }
  return sockets;
}

// Also those that it has: a gateway may have been replaced since. Each worker has one of the other
// group's to itself, if they are as many.
Status GatewayProcess::give_ways(gateway::ControlClient& client,
                                 const gateway::WorkerStatus& status,
                                 const std::vector<GroupWay>& ways) {
  for (const GroupWay& way : ways) {
    for (int worker = 0; worker < status.workers; ++worker) {
      const auto place = static_cast<std::size_t>(worker) % way.sockets.size();
      DUET_ASSIGN(const sys::Fd socket, sys::open_file(way.sockets[place], O_PATH));
      DUET_TRY(client.add_group(way.name, socket.get(), worker));
    }
  }
  return {};
}

Status GatewayProcess::give_access_log(gateway::ControlClient& client) {
  if (options_.access_log.empty()) {
    return {};
  }
  struct stat info{};
  if (::stat(options_.access_log.c_str(), &info) == 0 &&
      static_cast<std::uint64_t>(info.st_size) > options_.access_log_bytes) {
    (void)std::rename(options_.access_log.c_str(), (options_.access_log + ".1").c_str());
  }
  DUET_TRY(
      sys::make_directories(options_.access_log.substr(0, options_.access_log.rfind('/')), 0755));
  DUET_ASSIGN(const sys::Fd log,
              sys::open_file(options_.access_log, O_WRONLY | O_CREAT | O_APPEND, 0640));
  return client.set_access_log(log.get());
}

Result<std::string> GatewayProcess::metrics() const {
  DUET_ASSIGN(auto client, gateway::ControlClient::connect(socket_path(), 0));
  return client.metrics();
}

Result<gateway::WorkerStatus> GatewayProcess::status() const {
  DUET_ASSIGN(auto client, gateway::ControlClient::connect(socket_path(), 0));
  return client.status();
}

bool GatewayProcess::ended() const {
  pollfd process{pidfd_.get(), POLLIN, 0};
  if (::poll(&process, 1, 0) <= 0) {
    return false;
  }
  (void)sys::try_wait(static_cast<pid_t>(pid_));  // unless another agent started it
  return true;
}

Status GatewayProcess::stop(std::int64_t timeout_ms) {
  auto client = gateway::ControlClient::connect(socket_path(), 0);
  if (!client.ok()) {
    end_start();
    return {};
  }
  if (const auto status = client->status(); status.ok()) {
    note_process(*status);
  }
  const Status drained = client->drain(timeout_ms);
  ::unlink(socket_path().c_str());
  return drained;
}

}  // namespace duet::route
