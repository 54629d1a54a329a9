#include "gateway/route_steps.h"

namespace duet::gateway {

RouteSteps::RouteSteps(std::shared_ptr<const ActiveTable> table, const ActiveTable::Choice& choice,
                       const CallHead& head)
    : table_(std::move(table)),
      steps_(*choice.before),
      scheme_(head.scheme),
      authority_(head.authority),
      client_address_(head.client_address),
      matched_path_(head.matched_path),
      matched_exactly_(head.matched_exactly),
      timeout_ms_(head.timeout_ms),
      takes_trailers_(head.takes_trailers) {
  steps_.push_back(choice.backend);
}

std::unique_ptr<Call> RouteSteps::start(std::size_t index, CallHead head, Caller& caller) const {
  head.scheme = scheme_;
  head.authority = authority_;
  head.client_address = client_address_;
  head.takes_trailers = takes_trailers_;
  head.matched_path = matched_path_;
  head.matched_exactly = matched_exactly_;
  const bool is_last = index + 1 == steps_.size();
  head.timeout_ms = is_last ? timeout_ms_ : 0;
  if (!is_last) {
    head.upgrade = {};  // a handler cannot switch protocols
    head.steps = shared_from_this();
    head.step = index;
  }
  return steps_[index]->start(head, caller);
}

}  // namespace duet::gateway
