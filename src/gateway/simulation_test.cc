#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include "gateway/active_table.h"
#include "gateway/client_connection.h"
#include "gateway/services.h"
#include "gateway/simulation_guest_test.h"
#include "gateway/simulation_http1_client_test.h"
#include "gateway/simulation_http2_client_test.h"
#include "sys/file.h"

// The gateway's own connections, calls and loop between clients, servers and guests that do at
// random what can happen: see docs/fuzzing.md. DUET_SIMULATION_SEED replays one seed,
// DUET_SIMULATION_RUNS says how many are tried.
namespace duet::gateway::simulation {
namespace {

constexpr std::size_t kClients = 8;
constexpr std::size_t kRequestsAConnection = 12;
constexpr int kStepsLimit = 2'000'000;
constexpr int kIdleSteps = 200;  // without anything happening, and it is looked whether all wait
constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr const char* kServer = "127.0.0.1";  // nobody connects to it
constexpr std::array kPorts = {1, 2};
constexpr std::int64_t kRequestTimeoutMs = 40'000;
constexpr sys::WallTime kStart{std::chrono::hours(24) * 20'000};

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed)
      : world_(seed), jumps_(world_.random.one_in(4)), drains_(world_.random.one_in(6)) {
    for (const int port : kPorts) {
      origins_.push_back(*pool_.origin(kServer, port));
    }
    set_table();
    log_ = memfd_create("access-log", MFD_CLOEXEC);
    front_.access_log.open(sys::Fd(dup(log_)));
    add_client();
  }
  ~Simulation() {
    front_.connections.clear();  // their calls use the pool and the guests
    front_.graveyard.run_deferred();
    front_.table.reset();
    close(log_);
  }
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  // What went wrong; empty: nothing.
  std::string run() {
    int steps = 0;
    while (world_.failure.empty() && !all_over()) {
      if (++steps > kStepsLimit) {
        return "it does not end";
      }
      step();
    }
    if (world_.failure.empty()) {
      finish();
    }
    return world_.failure;
  }
  std::uint64_t trace() const { return world_.trace; }
  // The access log.
  std::string log() {
    front_.access_log.flush();
    lseek(log_, 0, SEEK_SET);
    return *sys::read_all(log_, 64 << 20);
  }
  std::size_t answered() const {
    std::size_t count = 0;
    for (const auto& client : clients_) {
      for (std::size_t i = 0; i < client->plans().size(); ++i) {
        count += client->has_answer(i) ? 1 : 0;
      }
    }
    return count;
  }

 private:
  static RouteTable make_table() {
    const auto to = [](const char* path, const char* backend) {
      return Rule{.matches = {{.path = {PathMatch::Type::kPrefix, path}}},
                  .backends = {{.backend = backend}}};
    };
    RouteTable table;
    table.listeners = {{"sim", "sim"}};
    table.routes = {{.name = "all", .rules = {to("/server", "server"), to("/guest", "guests")}}};
    table.routes[0].rules[1].request_timeout_ms = kRequestTimeoutMs;
    table.backends = {
        {"server", ProxyBackend{.endpoints = {{kServer, kPorts[0]}, {kServer, kPorts[1]}},
                                .failure_limit = 20}},
        {"guests", StaticBackend{}}};
    return table;
  }
  // Another table with other backends; what has begun with the last one ends with it.
  void set_table() {
    auto table = ActiveTable::build(
        make_table(), [this](const BackendConfig& config) { return make_backend(config); });
    front_.table = *table;
    tables_.push_back(front_.table);
  }
  Result<std::shared_ptr<Backend>> make_backend(const BackendConfig& config) {
    if (const auto* proxy = std::get_if<ProxyBackend>(&config.kind)) {
      DUET_ASSIGN(auto service, ProxyService::create(config.name, *proxy, pool_));
      return std::shared_ptr<Backend>(std::move(service));
    }
    return std::shared_ptr<Backend>(std::make_shared<Guests>(world_, *loop_));
  }
  void add_client() {
    std::vector<Plan> plans;
    const std::size_t count = 1 + world_.random.below(kRequestsAConnection);
    for (std::size_t i = 0; i < count; ++i) {
      plans.push_back(make_plan(world_.seed, ++last_id_));
    }
    auto wire = make_wire(world_.random);
    front_.connections.push_back(std::make_unique<ClientConnection>(
        front_, net::Stream(std::move(wire->first), front_.buffers),
        Client{.listener = "sim", .address = "192.0.2.1"}));
    front_.connections.back()->open(std::prev(front_.connections.end()));
    const auto manners = static_cast<Manners>(world_.random.below(kManners));
    if (world_.random.one_in(3)) {
      clients_.push_back(std::make_unique<Http2SimClient>(world_, std::move(wire->second),
                                                          std::move(plans), manners));
    } else {
      clients_.push_back(std::make_unique<Http1SimClient>(world_, std::move(wire->second),
                                                          std::move(plans), manners));
    }
  }
  // The worker stops, as Worker::drain does.
  void drain() {
    front_.draining = true;
    for (auto next = front_.connections.begin(); next != front_.connections.end();) {
      (*next++)->drain();
    }
    for (const auto& client : clients_) {
      client->note_drain();
    }
  }
  bool all_over() const {
    return (clients_.size() == kClients || front_.draining) &&
           std::all_of(clients_.begin(), clients_.end(),
                       [](const auto& client) { return client->over(); });
  }

  // One thing, by whom chance says, and a little time.
  void step() {
    const std::uint64_t before = world_.trace;
    switch (world_.random.below(4)) {
      case 0:
      case 1:
        clients_[world_.random.below(clients_.size())]->step();
        break;
      case 2:
        servers_.step();
        break;
      default:
        turn();
    }
    if (world_.random.one_in(300)) {
      happen();
    }
    pass(static_cast<std::int64_t>(world_.random.below(20'000)));
    idle_ = world_.trace == before ? idle_ + 1 : 0;
    if (idle_ > kIdleSteps) {
      idle_ = 0;
      if (all_wait()) {
        let_go_by(30);
      }
    }
  }
  // What happens now and then.
  void happen() {
    switch (world_.random.below(4)) {
      case 0:
        set_table();
        break;
      case 1:
        if (drains_ && clients_.size() == kClients && !front_.draining) {
          drain();
        }
        break;
      case 2:
        if (jumps_ && world_.random.one_in(20)) {
          for (const auto& client : clients_) {
            client->disturb();
          }
          let_go_by(90);
        }
        break;
      default:
        break;
    }
    if (clients_.size() < kClients && !front_.draining) {
      add_client();
    }
  }
  // Whether nobody can do anything but wait for a time to be over.
  bool all_wait() {
    const std::uint64_t before = world_.trace;
    for (int round = 0; round < 3; ++round) {
      for (const auto& client : clients_) {
        client->hurry();
      }
      servers_.step_all();
      pass(1'000'000);
      turn();
      turn();
    }
    if (world_.trace == before && clients_.size() < kClients && !front_.draining) {
      add_client();
      return false;
    }
    return world_.trace == before;
  }
  void turn() {
    const Status turned = loop_->run_once(0);
    if (!turned.ok()) {
      world_.fail(0, turned.error().message());
    }
    check_bounds();
  }
  // Seconds at once, which the loop knows of before anything else happens.
  void let_go_by(std::size_t most_s) {
    pass(static_cast<std::int64_t>(1 + world_.random.below(most_s)) * kNsPerSecond);
    turn();
  }
  void pass(std::int64_t ns) { clock_.advance(sys::Duration(ns)); }

  // No more than all clients can ask for at a time.
  void check_bounds() {
    constexpr std::size_t kRequests = kClients * kRequestsAConnection;
    for (const Origin* origin : origins_) {
      if (origin->in_flight < 0 || origin->in_flight > static_cast<std::int32_t>(kRequests) ||
          origin->idle.size() > kRequests) {
        world_.fail(0, "the pool is past its bounds");
      }
    }
  }

  // When all clients are gone, nothing may be left, and every request has had its line.
  void finish() {
    for (int i = 0; i < 200; ++i) {
      turn();
      servers_.step_all();
      pass(kNsPerSecond);
    }
    if (!front_.connections.empty() || front_.requests_in_flight != 0) {
      world_.fail(0, "a client's connection is left");
    }
    if (world_.guests != 0) {
      world_.fail(0, "a guest is left");
    }
    if (servers_.connections() != 0) {
      world_.fail(0, "a server's connection is left");
    }
    for (const Origin* origin : origins_) {
      if (origin->in_flight != 0) {
        world_.fail(0, "a server is thought to be busy");
      }
    }
    tables_.pop_back();
    if (!std::all_of(tables_.begin(), tables_.end(),
                     [](const auto& table) { return table.expired(); })) {
      world_.fail(0, "an old table is left");
    }
    check_log();
  }
  void check_log() {
    const std::string text = log();
    std::unordered_map<std::uint64_t, int> lines;
    const std::string_view key = "\"path\":\"";
    for (std::size_t at = text.find(key); at != std::string::npos; at = text.find(key, at + 1)) {
      const std::size_t begin = at + key.size();
      ++lines[id_of(std::string_view(text).substr(begin, text.find('"', begin) - begin))];
    }
    for (const auto& client : clients_) {
      for (std::size_t i = 0; i < client->plans().size(); ++i) {
        const std::uint64_t id = client->plans()[i].id;
        const bool known = client->has_answer(i) || world_.arrivals[id] > 0;
        if (lines[id] > 1 || (known && lines[id] != 1)) {
          world_.fail(id, "has " + std::to_string(lines[id]) + " lines in the log");
        }
      }
    }
  }

  World world_;
  bool jumps_;   // much time goes by at any moment
  bool drains_;  // the worker stops before all is done
  sys::ManualClock clock_{kStart};
  std::unique_ptr<net::EventLoop> loop_ = std::move(*net::EventLoop::create(clock_));
  Server servers_{world_};
  Front front_{*loop_, ClientLimits{}, world_.seed};
  UpstreamPool pool_{*loop_, front_.buffers,
                     [this](const net::SocketAddress&) { return servers_.connect(); }};
  std::vector<const Origin*> origins_;
  std::vector<std::weak_ptr<const ActiveTable>> tables_;  // the last one is in use
  std::vector<std::unique_ptr<SimClient>> clients_;
  std::uint64_t last_id_ = 0;
  int log_ = -1;
  int idle_ = 0;
};

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

TEST(Simulation, KeepsItsPromises) {
  constexpr std::uint64_t kRuns = 200;
  const std::uint64_t first = from_environment("DUET_SIMULATION_SEED", 1);
  const std::uint64_t runs = from_environment(
      "DUET_SIMULATION_RUNS", std::getenv("DUET_SIMULATION_SEED") != nullptr ? 1 : kRuns);
  const std::size_t descriptors = open_descriptors();
  std::size_t answered = 0;
  for (std::uint64_t seed = first; seed < first + runs; ++seed) {
    Simulation simulation(seed);
    ASSERT_EQ(simulation.run(), "") << "replay it with DUET_SIMULATION_SEED=" << seed << '\n'
                                    << (runs == 1 ? simulation.log() : "");
    answered += simulation.answered();
  }
  EXPECT_GT(answered, runs * 10);
  EXPECT_EQ(open_descriptors(), descriptors);
}

TEST(Simulation, IsAFunctionOfItsSeed) {
  const auto trace = [](std::uint64_t seed) {
    Simulation simulation(seed);
    EXPECT_EQ(simulation.run(), "");
    return simulation.trace();
  };
  EXPECT_EQ(trace(7), trace(7));
  EXPECT_NE(trace(7), trace(8));
}

}  // namespace
}  // namespace duet::gateway::simulation
