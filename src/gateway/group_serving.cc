#include "gateway/group_serving.h"

#include <algorithm>

#include "gateway/group_link.h"

namespace duet::gateway {

GroupServing::GroupServing(GroupLink& link, std::uint64_t id, net::Framing framing,
                           std::uint64_t content_length)
    : link_(link),
      id_(id),
      counted_(framing != net::Framing::kChunked),
      body_left_(framing == net::Framing::kLength ? content_length : 0),
      body_credit_(kWindowBytes),
      credit_(kWindowBytes) {}

GroupServing::~GroupServing() { abandon(); }

void GroupServing::abandon() { link_.front().graveyard.bury(std::move(call_)); }

void GroupServing::begin(std::unique_ptr<Call> call) {
  call_ = std::move(call);
  call_->begin();
}

bool GroupServing::take_body(std::string_view data) {
  body_credit_ -= static_cast<std::int64_t>(data.size());
  if (body_credit_ < 0 || body_ended_ || (counted_ && data.size() > body_left_)) {
    return false;
  }
  body_left_ -= counted_ ? data.size() : 0;
  if (body_rest_.empty() && call_) {
    const std::size_t taken = call_->write_body(data);
    note_taken(taken);
    data.remove_prefix(taken);
  }
  body_rest_ += data;
  return true;
}

bool GroupServing::end_body(std::span<const net::Field> trailers) {
  if (body_ended_ || body_left_ > 0) {
    return false;
  }
  body_ended_ = true;
  for (const net::Field& trailer : trailers) {
    body_trailers_.emplace_back(trailer.name, trailer.value);
  }
  pass_body();
  return true;
}

// The other side gets credit for what the call took.
void GroupServing::note_taken(std::size_t bytes) {
  body_taken_ += static_cast<std::int64_t>(bytes);
  if (body_taken_ >= kWindowBytes / 2 && !body_ended_ && call_) {
    body_credit_ += body_taken_;
    const auto credit = static_cast<std::uint32_t>(std::exchange(body_taken_, 0));
    link_.send(FrameType::kBodyCredit, id_, write_credit(credit));
  }
}

// Gives the call what waits.
void GroupServing::pass_body() {
  if (call_ && !body_rest_.empty()) {
    const std::size_t taken = call_->write_body(body_rest_);
    body_rest_.erase(0, taken);
    note_taken(taken);
  }
  if (body_ended_ && body_rest_.empty() && call_) {
    std::vector<net::Field> trailers;
    trailers.reserve(body_trailers_.size());
    for (const auto& [name, value] : body_trailers_) {
      trailers.push_back({name, value, net::field_id(name)});
    }
    call_->finish_body(trailers);
  }
}

void GroupServing::on_want_body() { pass_body(); }

void GroupServing::on_head(const AnswerHead& head) {
  link_.send(FrameType::kHead, id_, write_head(head));
}

bool GroupServing::on_data(std::string_view data) {
  if (rest_.empty()) {
    data.remove_prefix(send_data(data));
  }
  rest_ += data;
  paused_ = credit_ <= 0;
  return !paused_;
}

// Sends as much as there is credit for: so many bytes.
std::size_t GroupServing::send_data(std::string_view data) {
  const auto size = static_cast<std::int64_t>(data.size());
  const auto now = static_cast<std::size_t>(std::min(credit_, size));
  if (now > 0) {
    link_.send(FrameType::kData, id_, data.substr(0, now));
    credit_ -= static_cast<std::int64_t>(now);
  }
  return now;
}

bool GroupServing::take_credit(std::uint32_t bytes) {
  credit_ += bytes;
  if (credit_ > kWindowBytes) {
    return false;
  }
  rest_.erase(0, send_data(rest_));
  if (paused_ && credit_ > 0 && call_) {
    paused_ = false;
    call_->resume_answer();
  }
  return true;
}

void GroupServing::on_end(std::span<const net::Field> trailers) {
  link_.send(FrameType::kEnd, id_, write_end(call_->usage(), trailers));
  let_go();
}

void GroupServing::on_failure(const Failure& failure) {
  link_.send(FrameType::kFailure, id_, write_failure(call_->usage(), failure));
  let_go();
}

void GroupServing::cancel() { let_go(); }

void GroupServing::let_go() {
  abandon();
  link_.finish(*this);
}

void GroupServing::tell_usage() {
  if (!call_) {
    return;
  }
  const Usage usage = call_->usage();
  if (usage.cpu_ns != told_cpu_ns_) {
    told_cpu_ns_ = usage.cpu_ns;
    link_.send(FrameType::kUsage, id_, write_usage(usage));
  }
}

}  // namespace duet::gateway
