#include <algorithm>

#include "gateway/client_connection.h"

// What a client's connection waits for, and how long.
namespace duet::gateway {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

}  // namespace

// A request's body must keep its pace until it is answered.
void ClientConnection::note_received(std::size_t bytes) {
  const std::int64_t now_ns = front_.loop.now_ns();
  const bool in_body = (state_ == State::kExchange && !head_written_) || state_ == State::kDiscard;
  if (in_body) {
    progress_ns_ = front_.limits.pace(progress_ns_, bytes, now_ns);
  } else {
    progress_ns_ = now_ns;
  }
}

void ClientConnection::set_timers() {
  const ClientLimits& limits = front_.limits;
  if (stream_.sent_bytes() != sent_before_) {
    sent_before_ = stream_.sent_bytes();
    progress_ns_ = front_.loop.now_ns();
  }
  std::int64_t timeout_ms = 0;
  switch (state_) {
    case State::kHead:
      if (stream_.in().empty()) {
        stream_.release_memory();
        timeout_ms = first_request_ ? limits.head_timeout_ms : limits.idle_timeout_ms;
      } else if (head_timed_) {
        return;
      } else {
        head_timed_ = true;
        timeout_ms = limits.head_timeout_ms;
      }
      break;
    case State::kExchange:
      if (stream_.out().empty() && (body_ended_ || body_blocked_)) {
        front_.loop.cancel_timer(timer_);  // the backend is to act now
        return;
      }
      timeout_ms = limits.stall_timeout_ms;
      break;
    case State::kTunnel:
      if (stream_.out().empty()) {
        front_.loop.cancel_timer(timer_);
        return;
      }
      timeout_ms = limits.stall_timeout_ms;
      break;
    case State::kLinger: {
      const std::int64_t last_ns = progress_ns_ + limits.linger_timeout_ms * kNsPerMs;
      front_.loop.set_timer(timer_, std::min(last_ns, linger_until_ns_) - front_.loop.now_ns());
      return;
    }
    default:
      timeout_ms = limits.stall_timeout_ms;
  }
  const std::int64_t since_ns = front_.loop.now_ns() - progress_ns_;
  front_.loop.set_timer(timer_, timeout_ms * kNsPerMs - since_ns);
}

void ClientConnection::on_timer() {
  if (state_ == State::kHead && !stream_.in().empty()) {
    request_ = net::RequestHead{};
    request_.keep_alive = false;
    stream_.in().clear();
    begin_exchange();
    answer_own({.status = 408, .reason = "HeadTimeout", .location = {}});
    run();
    return;
  }
  if (state_ == State::kExchange && !head_written_ && stream_.out().empty()) {
    keep_alive_ = false;
    on_failure({.status = 408, .reason = "BodyTimeout", .detail = {}});
    run();
    return;
  }
  if (state_ == State::kHead) {
    note_broken_handshake();
  }
  if (!transaction_.has_reason()) {
    transaction_.set_reason("ClientStalled");
  }
  close();
}

}  // namespace duet::gateway
