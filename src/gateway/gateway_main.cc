// duet-gateway: one worker. Started by the agent, which configures it over its control socket;
// outlives the agent.
//
//   duet-gateway --control PATH [--user UID:GID|NAME] [--sandboxes N]

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>

#include "gateway/confine.h"
#include "gateway/control_server.h"
#include "gateway/worker.h"
#include "net/event_loop.h"
#include "sys/clock.h"

namespace duet::gateway {
namespace {

struct Arguments {
  std::string control;
  std::optional<UserAndGroup> user;
  engine::EngineOptions engine;
};

Result<Arguments> parse_arguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (i + 1 == argc) {
      return invalid(name + " needs a value");
    }
    const std::string value = argv[i + 1];
    if (name == "--control") {
      arguments.control = value;
    } else if (name == "--user") {
      DUET_ASSIGN(arguments.user, parse_user(value));
    } else if (name == "--sandboxes") {
      std::uint32_t count = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), count);
      if (error != std::errc{} || end != value.data() + value.size() || count == 0) {
        return invalid("--sandboxes must be a number above 0");
      }
      arguments.engine.sandbox_limit = count;
      arguments.engine.core_instance_limit = count * 4;
      arguments.engine.memory_limit = count;
      arguments.engine.table_limit = count * 2;
    } else {
      return invalid("unknown option " + name);
    }
  }
  if (arguments.control.empty()) {
    return invalid("--control is missing");
  }
  return arguments;
}

// One descriptor a connection: as many as may be had.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

net::EventLoop* g_loop = nullptr;

struct Stopper final : net::BeforeWait {
  explicit Stopper(Worker& stopped) : worker(stopped) {}
  std::int64_t before_wait(std::int64_t) override {
    if (asked != 0 && !told) {
      told = true;
      worker.drain(kDrainMs);
    }
    return -1;
  }
  static constexpr std::int64_t kDrainMs = 10'000;
  static inline volatile std::sig_atomic_t asked = 0;
  bool told = false;
  Worker& worker;
};

void on_terminate(int) {
  Stopper::asked = 1;
  g_loop->wake();
}

Status run(const Arguments& arguments) {
  raise_descriptor_limit();
  const sys::SystemClock clock;
  const uid_t owner = getuid();
  DUET_ASSIGN(auto loop, net::EventLoop::create(clock));
  DUET_ASSIGN(sys::Fd control, listen_control(arguments.control));
  WorkerOptions options{.engine = arguments.engine,
                        .seed = static_cast<std::uint64_t>(loop->clock_ns()) ^
                                (static_cast<std::uint64_t>(getpid()) << 32)};
  DUET_TRY(confine(arguments.user));
  DUET_ASSIGN(auto worker, Worker::create(*loop, options));
  ControlServer server(*loop, *worker, std::move(control), owner);
  DUET_TRY(server.start());
  Stopper stopper(*worker);
  loop->add_before_wait(stopper);
  g_loop = loop.get();
  struct sigaction action{};
  action.sa_handler = on_terminate;
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGINT, SIG_IGN);  // a terminal's Ctrl-C is for the agent
  std::signal(SIGHUP, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  return loop->run();
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
