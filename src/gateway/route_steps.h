#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/active_table.h"
#include "gateway/exchange.h"

namespace duet::gateway {

// A request's way through its rule: handlers that stand before the backend, each of which answers
// by itself or asks the next step, and at last the backend. Steps only ever go forward, so there is
// no loop; a handler needs no right to outgoing requests for its next step.
class RouteSteps final : public NextSteps, public std::enable_shared_from_this<RouteSteps> {
 public:
  // What a handler asks to reach the next step. (.internal is never delegated in DNS.)
  static constexpr std::string_view kAuthority = "next.duet.internal";

  // `head` is the client's request; what handlers may not change is kept of it.
  RouteSteps(std::shared_ptr<const ActiveTable> table, const ActiveTable::Choice& choice,
             const CallHead& head);

  std::unique_ptr<Call> start(std::size_t index, CallHead head, Caller& caller) const override;
  bool has(std::size_t index) const override { return index < steps_.size(); }

 private:
  std::shared_ptr<const ActiveTable> table_;  // keeps the backends
  std::vector<Backend*> steps_;
  std::string scheme_;
  std::string authority_;
  std::string client_address_;
  std::string_view matched_path_;  // of the table
  bool matched_exactly_;
  std::int64_t timeout_ms_;
  bool takes_trailers_;
};

}  // namespace duet::gateway
