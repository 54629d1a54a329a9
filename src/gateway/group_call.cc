#include "gateway/group_call.h"

#include <algorithm>

#include "gateway/group_link.h"

namespace duet::gateway {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
// What the handler's own gateway has to end a request that is too long, before this one does.
constexpr std::int64_t kGraceMs = 2'000;

}  // namespace

Failure worker_lost() {
  return {.status = 502, .reason = "WorkerLost", .detail = "the handler's worker ended"};
}

GroupCall::GroupCall(std::shared_ptr<GroupLink> link, const CallTarget& target,
                     std::int64_t wall_ms, const CallHead& head, Caller& caller)
    : link_(std::move(link)),
      caller_(caller),
      start_(write_start(target, head)),
      wall_ms_(wall_ms),
      steps_(head.steps),
      step_(head.step) {}

GroupCall::~GroupCall() { cancel(); }

void GroupCall::begin() {
  if (start_.size() > kFrameBytes) {
    fail({.status = 431, .reason = "BadRequest", .detail = "the request's head is too large"});
    return;
  }
  id_ = link_->begin(*this, start_);
  start_ = {};
  if (id_ == 0) {
    fail({.status = 503, .reason = "Overloaded", .detail = "too many calls of one worker group"});
  } else if (wall_ms_ > 0) {
    link_->front().loop.set_timer(timer_, (wall_ms_ + kGraceMs) * kNsPerMs);
  }
}

std::size_t GroupCall::write_body(std::string_view data) {
  if (done_ || ended_) {
    return data.size();
  }
  const auto size = static_cast<std::int64_t>(data.size());
  const auto now = static_cast<std::size_t>(std::min(credit_, size));
  if (now > 0) {
    link_->send(FrameType::kBody, id_, data.substr(0, now));
    credit_ -= static_cast<std::int64_t>(now);
  }
  body_short_ = now < data.size();
  return now;
}

void GroupCall::finish_body(std::span<const net::Field> trailers) {
  if (!done_ && !ended_) {
    link_->send(FrameType::kBodyEnd, id_, write_trailers(trailers));
  }
}

bool GroupCall::take_credit(std::uint32_t bytes) {
  credit_ += bytes;
  if (credit_ > kWindowBytes) {
    return false;
  }
  if (std::exchange(body_short_, false)) {
    caller_.on_want_body();
  }
  return true;
}

bool GroupCall::take_head(const AnswerHead& head) {
  if (head_passed_) {
    return false;
  }
  head_passed_ = head.status >= 200;
  caller_.on_head(head);
  return true;
}

bool GroupCall::take_data(std::string_view data) {
  answer_credit_ -= static_cast<std::int64_t>(data.size());
  if (answer_credit_ < 0 || !head_passed_) {
    return false;
  }
  if (paused_) {
    pending_ += data;
    return true;
  }
  answer_taken_ += static_cast<std::int64_t>(data.size());
  paused_ = !caller_.on_data(data);
  give_credit();
  return true;
}

void GroupCall::give_credit() {
  if (answer_taken_ >= kWindowBytes / 2 && !paused_ && !done_ && !ended_) {
    answer_credit_ += answer_taken_;
    link_->send(FrameType::kAnswerCredit, id_,
                write_credit(static_cast<std::uint32_t>(std::exchange(answer_taken_, 0))));
  }
}

void GroupCall::resume_answer() {
  paused_ = false;
  if (done_) {
    return;
  }
  if (!pending_.empty()) {
    const std::string data = std::exchange(pending_, {});
    answer_taken_ += static_cast<std::int64_t>(data.size());
    paused_ = !caller_.on_data(data);
  }
  if (ended_ && !paused_ && !done_) {
    end();
  } else {
    give_credit();
  }
}

void GroupCall::take_end(std::span<const net::Field> trailers) {
  for (const net::Field& trailer : trailers) {
    trailers_.emplace_back(trailer.name, trailer.value);
  }
  ended_ = true;
  if (!paused_) {
    end();
  }
  caller_.on_flush();
}

void GroupCall::end() {
  done_ = true;
  link_->front().loop.cancel_timer(timer_);
  std::vector<net::Field> trailers;
  trailers.reserve(trailers_.size());
  for (const auto& [name, value] : trailers_) {
    trailers.push_back({name, value, net::field_id(name)});
  }
  caller_.on_end(trailers);
}

void GroupCall::take_failure(const Failure& failure) {
  if (std::exchange(done_, true)) {
    return;  // it was cancelled a moment ago
  }
  link_->front().loop.cancel_timer(timer_);
  caller_.on_failure(failure);
  caller_.on_flush();
}

void GroupCall::fail(const Failure& failure) {
  cancel();
  caller_.on_failure(failure);
}

void GroupCall::cancel() {
  link_->front().loop.cancel_timer(timer_);
  if (!std::exchange(done_, true) && id_ != 0 && !ended_) {
    link_->leave(id_);
  }
}

void GroupCall::on_timeout() {
  fail({.status = 504,
        .reason = "WorkerSilent",
        .detail = "the handler's worker said nothing more"});
  caller_.on_flush();
}

std::unique_ptr<Call> GroupCall::start_next(const CallHead& head, Caller& caller) {
  if (!steps_ || !steps_->has(step_ + 1) || std::exchange(next_asked_, true)) {
    return nullptr;
  }
  return steps_->start(step_ + 1, head, caller);
}

}  // namespace duet::gateway
