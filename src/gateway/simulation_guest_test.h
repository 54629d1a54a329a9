#pragma once

#include <memory>
#include <string>

#include "gateway/exchange.h"
#include "gateway/simulation_server_test.h"
#include "net/event_loop.h"

namespace duet::gateway::simulation {

// A backend in memory, as a handler is one: takes bodies in pieces and with pauses, and answers as
// the plan of the request says.
class Guests final : public Backend {
 public:
  Guests(World& world, net::EventLoop& loop) : world_(world), loop_(loop) {}
  std::string_view name() const override { return "guests"; }
  std::unique_ptr<Call> start(const CallHead& head, Caller& caller) override;

 private:
  World& world_;
  net::EventLoop& loop_;
};

}  // namespace duet::gateway::simulation
