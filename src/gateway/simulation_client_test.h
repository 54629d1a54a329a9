#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/simulation_server_test.h"

namespace duet::gateway::simulation {

enum class Manners : std::uint8_t {
  kPolite,     // goes when it has all answers
  kEnds,       // ends sending behind its last request, and goes when the gateway ends too
  kBreaksOff,  // the same in the middle of one more request
  kRude,       // goes at some time, without a word
};
constexpr std::size_t kManners = 4;

// A client's connection with its requests, whose answers it holds against their plans.
class SimClient {
 public:
  SimClient(World& world, sys::Fd fd, std::vector<Plan> plans, Manners manners)
      : world_(world),
        wire_(std::move(fd)),
        plans_(std::move(plans)),
        manners_(manners),
        laziness_(1 + world.random.below(world.random.one_in(3) ? 20 : 2)) {}
  virtual ~SimClient() = default;

  // Does something, if there is something to do and it is not too lazy for that.
  void step() { act(!world_.random.one_in(laziness_)); }
  void hurry() { act(false); }
  bool over() const { return !wire_.open(); }
  const std::vector<Plan>& plans() const { return plans_; }
  // Whether the request at that place of plans() has a whole answer.
  virtual bool has_answer(std::size_t place) const = 0;

  // From now on requests may be given up: much time went by at once.
  void disturb() { disturbed_ = true; }
  // From now on the gateway may end the connection between two answers.
  void note_drain() { drained_ = true; }

 protected:
  virtual void act(bool lazy) = 0;

  // Goes away, if it is rude and chance says so.
  bool is_gone() {
    if (over() || manners_ != Manners::kRude || !world_.random.one_in(200)) {
      return over();
    }
    world_.note(4);
    wire_.close();
    return true;
  }
  // Whether an answer of the gateway's own is no fault of it.
  bool may_fail(const Plan& plan, std::string_view body) const {
    return !plan.answered() || disturbed_ ||
           (world_.refusals > 0 && body.ends_with("ConnectFailed\n"));
  }

  World& world_;
  WireEnd wire_;
  std::vector<Plan> plans_;
  Manners manners_;
  std::size_t laziness_;  // it reads once in so many times
  bool disturbed_ = false;
  bool drained_ = false;
};

}  // namespace duet::gateway::simulation
