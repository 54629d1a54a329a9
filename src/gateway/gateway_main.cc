// duet-gateway: a supervisor and its workers. Started by the agent, which configures it over its
// control socket; outlives the agent. arguments.h has the command line.

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "gateway/arguments.h"
#include "gateway/confine.h"
#include "gateway/control_peer.h"
#include "gateway/control_server.h"
#include "gateway/supervisor.h"
#include "gateway/terminate_signal.h"
#include "gateway/worker.h"
#include "gateway/worker_control.h"
#include "gateway/worker_process.h"
#include "net/event_loop.h"
#include "sys/clock.h"
#include "sys/file.h"

namespace duet::gateway {
namespace {

constexpr std::int64_t kDrainMs = 10'000;  // after SIGTERM

// One descriptor a connection: as many as may be had.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

int usable_cores() {
  cpu_set_t cores;
  return sched_getaffinity(0, sizeof(cores), &cores) == 0 ? CPU_COUNT(&cores) : 1;
}

// The folders that workers may reach, opened while the gateway may still enter those above them.
struct Folders {
  std::vector<sys::Fd> fds;
  std::string rights;  // of each, 'r' or 'w'
};

Result<Folders> open_folders(const Arguments& arguments) {
  Folders folders;
  const auto open = [&folders](const std::string& path, char right) -> Status {
    DUET_ASSIGN(sys::Fd fd, sys::open_file(path, O_PATH | O_DIRECTORY));
    folders.fds.push_back(std::move(fd));
    folders.rights += right;
    return {};
  };
  for (const std::string& path : arguments.read) {
    DUET_TRY(open(path, 'r'));
  }
  for (const std::string& path : arguments.write) {
    DUET_TRY(open(path, 'w'));
  }
  return folders;
}

Status supervise(const Arguments& arguments) {
  const sys::SystemClock clock;
  const uid_t owner = getuid();
  DUET_ASSIGN(const Folders folders, open_folders(arguments));
  DUET_ASSIGN(auto loop, net::EventLoop::create(clock));
  DUET_ASSIGN(sys::Fd control, listen_control(arguments.control));
  DUET_TRY(give_up_privileges(arguments.user));
  SupervisorOptions options{.workers = arguments.workers > 0 ? arguments.workers : usable_cores(),
                            .worker = {.argv = {"/proc/self/exe", "--worker", "-" + folders.rights},
                                       .stdout_fd = STDOUT_FILENO,
                                       .stderr_fd = STDERR_FILENO}};
  if (arguments.sandboxes > 0) {
    options.worker.argv.insert(options.worker.argv.end(),
                               {"--sandboxes", std::to_string(arguments.sandboxes)});
  }
  for (const sys::Fd& fd : folders.fds) {
    options.folders.push_back(fd.get());
  }
  Supervisor supervisor(*loop, std::move(options));
  ControlServer server(*loop, supervisor, std::move(control), owner);
  const TerminateSignal terminate(*loop, [&supervisor] { supervisor.drain(kDrainMs); });
  DUET_TRY(supervisor.start());
  DUET_TRY(server.start());
  return loop->run();
}

engine::EngineOptions engine_options(const Arguments& arguments) {
  engine::EngineOptions options{.bounds = engine::suitable_bounds()};
  if (arguments.sandboxes > 0) {
    options.sandbox_limit = arguments.sandboxes;
    options.core_instance_limit = arguments.sandboxes * 4;
    options.memory_limit = arguments.sandboxes;
    options.table_limit = arguments.sandboxes * 2;
  }
  return options;
}

Status work(const Arguments& arguments) {
  prctl(PR_SET_NAME, "duet-gateway");  // it was started as /proc/self/exe
  std::vector<sys::ReachablePath> folders;
  int next = kWorkerControlFd;
  sys::Fd control(next++);
  for (const char right : arguments.worker_folders->substr(1)) {
    folders.push_back({.fd = next++, .writable = right == 'w', .directory = true});
  }
  const sys::SystemClock clock;
  DUET_ASSIGN(auto loop, net::EventLoop::create(clock));
  DUET_TRY(confine_worker(folders));
  for (const sys::ReachablePath& folder : folders) {
    close(folder.fd);
  }
  if (fcntl(control.get(), F_SETFL, O_NONBLOCK) != 0 ||
      fcntl(control.get(), F_SETFD, FD_CLOEXEC) != 0) {
    return Error::from_errno("the worker's control socket", errno);
  }
  DUET_ASSIGN(auto worker,
              Worker::create(*loop, {.engine = engine_options(arguments),
                                     .seed = static_cast<std::uint64_t>(loop->clock_ns()) ^
                                             (static_cast<std::uint64_t>(getpid()) << 32)}));
  WorkerControl obedience(*worker);
  const auto drain = [&worker] { worker->drain(kDrainMs); };
  // A worker without a supervisor can be told nothing any more.
  ControlPeer supervisor(*loop, obedience, std::move(control), drain);
  const TerminateSignal terminate(*loop, drain);
  DUET_TRY(supervisor.start());
  return loop->run();
}

Status run(const Arguments& arguments) {
  raise_descriptor_limit();
  return arguments.worker_folders ? work(arguments) : supervise(arguments);
}

}  // namespace
}  // namespace duet::gateway

int main(int argc, char** argv) {
  const auto arguments = duet::gateway::parse_arguments(argc, argv);
  if (!arguments.ok()) {
    std::fprintf(stderr, "duet-gateway: %s\n", arguments.error().message().c_str());
    return 2;
  }
  const duet::Status status = duet::gateway::run(*arguments);
  if (!status.ok()) {
    std::fprintf(stderr, "duet-gateway: %s\n", status.error().message().c_str());
    return 1;
  }
  return 0;
}
