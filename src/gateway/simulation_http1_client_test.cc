#include "gateway/simulation_http1_client_test.h"

namespace duet::gateway::simulation {

Http1SimClient::Http1SimClient(World& world, sys::Fd fd, std::vector<Plan> plans, Manners manners)
    : SimClient(world, std::move(fd), std::move(plans), manners) {
  for (const Plan& plan : plans_) {
    wire_.say(plan.method + " " + plan.path() + " HTTP/1.1\r\nHost: sim\r\n");
    if (plan.request_framing != net::Framing::kNone) {
      wire_.say(framing_fields(plan.request_framing, plan.request_bytes));
    }
    wire_.say("\r\n");
    if (plan.request_framing != net::Framing::kNone) {
      wire_.say(frame_body(plan.request_framing, request_body(plan), world_.random));
    }
  }
  if (manners_ == Manners::kBreaksOff) {
    constexpr std::string_view kHalves[] = {"\r\n", "GET /", "POST / HTTP/1.1\r\nHost: sim\r\n"};
    wire_.say(kHalves[world_.random.below(std::size(kHalves))]);
  }
}

void Http1SimClient::act(bool lazy) {
  if (is_gone()) {
    return;
  }
  if (wire_.write_some(world_.random)) {
    world_.note(2);
  }
  const bool waits = manners_ == Manners::kEnds || manners_ == Manners::kBreaksOff;
  if (waits && !end_said_ && wire_.has_said_all()) {
    world_.note(3);
    end_said_ = true;
    wire_.end_writing();
  }
  if (!lazy && wire_.read_some(world_.random)) {
    world_.note(1);
    read();
  }
  if (wire_.ended() || (answered_ == plans_.size() && !waits)) {
    check_end();
    wire_.close();
  }
}

void Http1SimClient::read() {
  while (world_.failure.empty() && (in_body_ ? read_body() : read_head())) {
  }
}

bool Http1SimClient::read_head() {
  if (wire_.in().empty()) {
    return false;
  }
  if (answered_ == plans_.size()) {
    world_.fail(plans_.back().id, "the gateway says more than was asked");
    return false;
  }
  const net::ParseResult result = parser_.parse(wire_.in(), false, head_);
  if (result.state == net::ParseResult::State::kInvalid) {
    world_.fail(plans_[answered_].id, "no answer: " + std::string(result.reason));
  }
  if (result.state != net::ParseResult::State::kDone) {
    return false;
  }
  id_.clear();
  for (const net::Field& field : head_.fields) {
    if (net::equals_ignoring_case(field.name, "x-id")) {
      id_ = field.value;
    }
  }
  if (!id_.empty() && id_ != std::to_string(plans_[answered_].id)) {
    world_.fail(plans_[answered_].id, "got the answer of " + id_);
  }
  wire_.in().erase(0, result.consumed);
  if (head_.status >= 200) {
    in_body_ = true;
    got_.clear();
    body_ = net::BodyDecoder(head_.framing, head_.content_length, net::HttpLimits{});
  }
  return true;
}

bool Http1SimClient::read_body() {
  const net::BodyDecoder::Step step = body_.next(wire_.in());
  got_ += step.data;
  wire_.in().erase(0, step.consumed);
  switch (step.state) {
    case net::BodyDecoder::State::kEnd:
      check_answer();
      return true;
    case net::BodyDecoder::State::kData:
      return true;
    case net::BodyDecoder::State::kInvalid:
      world_.fail(plans_[answered_].id, "a broken body: " + std::string(step.reason));
      return false;
    case net::BodyDecoder::State::kNeedMore:
      return false;
  }
  return false;
}

void Http1SimClient::check_answer() {
  const Plan& plan = plans_[answered_];
  if (head_.status == 200) {
    if (got_ != answer_body(plan) || id_.empty()) {
      world_.fail(plan.id, "got another body");
    }
  } else if (!may_fail(plan, got_)) {
    world_.fail(plan.id, "got " + std::to_string(head_.status) + " " + got_);
  }
  world_.note(static_cast<std::uint64_t>(head_.status));
  in_body_ = false;
  ++answered_;
}

// The connection ended. Only the answer that it ended in may be to blame, or one that said too much
// just before.
void Http1SimClient::check_end() {
  if (disturbed_ || manners_ == Manners::kRude) {
    return;
  }
  if (in_body_ || !wire_.in().empty()) {
    if (!plans_[answered_].may_be_cut()) {
      world_.fail(plans_[answered_].id, "its answer was cut");
    }
  } else if (answered_ < plans_.size() && !drained_ &&
             (answered_ == 0 || !plans_[answered_ - 1].may_be_cut())) {
    world_.fail(plans_[answered_].id, "the connection ended before its answer");
  }
}

}  // namespace duet::gateway::simulation
