#pragma once

#include <memory>
#include <vector>

#include "gateway/exchange.h"
#include "net/event_loop.h"

namespace duet::gateway {

// Cancels calls at once and destroys them at the end of the loop's round, when none of their
// functions is on the stack.
class Graveyard final : public net::Deferred {
 public:
  explicit Graveyard(net::EventLoop& loop) : loop_(loop) {}

  void bury(std::unique_ptr<Call> call) {
    if (call) {
      call->cancel();
      dead_.push_back(std::move(call));
      loop_.defer(*this);
    }
  }
  void run_deferred() override { dead_.clear(); }

 private:
  net::EventLoop& loop_;
  std::vector<std::unique_ptr<Call>> dead_;
};

}  // namespace duet::gateway
