#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "gateway/simulation_wire_test.h"
#include "net/http_body.h"
#include "net/http_request_parser.h"

namespace duet::gateway::simulation {

// What everyone in a simulation knows: its seed, what was seen of each request, and what went
// wrong.
struct World {
  explicit World(std::uint64_t world_seed) : seed(world_seed), random(world_seed) {}

  std::uint64_t seed;
  Random random;
  std::unordered_map<std::uint64_t, int> arrivals;  // at a backend, by the request's id
  int guests = 0;                                   // calls that are alive
  int refusals = 0;                                 // of connections, by servers
  std::string failure;                              // the first one
  std::uint64_t trace = 0;                          // of all that happened

  void fail(std::uint64_t id, const std::string& what) {
    if (failure.empty()) {
      failure = "request " + std::to_string(id) + ": " + what;
    }
  }
  void note(std::uint64_t value) { trace = (trace ^ value) * 0x100000001b3; }
};

// The servers behind the gateway: answers on each connection as the plans of its requests say.
class Server {
 public:
  explicit Server(World& world) : world_(world) {}

  // A connection that the gateway opens; its end of it.
  Result<sys::Fd> connect();
  // Does something on one connection, if there is something to do.
  void step();
  // And on all of them.
  void step_all();
  std::size_t connections() const { return connections_.size(); }

 private:
  struct Connection {
    explicit Connection(sys::Fd fd) : wire(std::move(fd)) {}
    WireEnd wire;
    net::RequestParser parser{net::HttpLimits{}};
    net::RequestHead head;
    net::BodyDecoder body;
    std::optional<Plan> plan;  // of the request that is being read or answered
    std::string got;           // its body
    bool request_whole = false;
    bool said = false;
    bool poisoned = false;  // it has said more than it should: nothing may follow
    bool closing = false;   // when it has said all
  };
  void act(std::size_t at);
  void read(Connection& connection);
  void read_head(Connection& connection);
  void read_body(Connection& connection);
  void answer(Connection& connection);
  void say(Connection& connection, const Plan& plan);

  World& world_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace duet::gateway::simulation
