#include "gateway/attempts.h"

namespace duet::gateway {

Attempts::Attempts(std::shared_ptr<Servers> servers, bool idempotent)
    : servers_(std::move(servers)), idempotent_(idempotent) {
  enter(*servers_->choose({}));
}

void Attempts::enter(Origin& origin) {
  server_ = &origin;
  ++server_->in_flight;
}

bool Attempts::fail(Fault fault, std::string_view reason, bool unsent) {
  if (fault != Fault::kStale && fault != Fault::kUnseen && fault != Fault::kRefused) {
    servers_->note_failure(*server_, reason);
  }
  if (!may_go_on(fault, unsent)) {
    return false;
  }
  if (fault != Fault::kStale) {
    tried_.push_back(server_);
    Origin* next = servers_->choose(tried_);
    if (next == nullptr && fault == Fault::kNotConnected) {
      return false;
    }
    if (next != nullptr) {
      leave();
      enter(*next);
    }
  }
  if (retries_++ == 0) {
    retry_reason_ = reason;
  }
  return true;
}

bool Attempts::may_go_on(Fault fault, bool unsent) {
  if (!unsent || tried_.size() + 1 >= kServerLimit) {
    return false;
  }
  switch (fault) {
    case Fault::kNotConnected:
    case Fault::kUnseen:
      return true;
    case Fault::kStale:  // once: the next connection is a new one
      return idempotent_ && !std::exchange(met_stale_, true);
    case Fault::kLost:
      return idempotent_ && servers_->take_retry(resent_++);
    case Fault::kRefused:
      return servers_->take_retry(resent_++);
    case Fault::kOther:
      return false;
  }
  return false;
}

}  // namespace duet::gateway
