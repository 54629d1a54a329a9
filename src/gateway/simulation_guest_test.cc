#include "gateway/simulation_guest_test.h"

#include <algorithm>

namespace duet::gateway::simulation {

namespace {

// Times are in the order of what steps of the simulation take.
class GuestCall final : public Call {
 public:
  GuestCall(World& world, net::EventLoop& loop, const Plan& plan, bool has_body, Caller& caller)
      : world_(world),
        loop_(loop),
        plan_(plan),
        caller_(caller),
        answer_(answer_body(plan)),
        whole_(!has_body) {
    ++world_.guests;
    if (plan_.fault == Fault::kExtra && plan_.answer_framing == net::Framing::kLength) {
      answer_ += "smuggled";
    }
  }
  ~GuestCall() override { --world_.guests; }

  void begin() override { go_on(); }
  std::size_t write_body(std::string_view data) override {
    Random& random = world_.random;
    const std::size_t taken = random.one_in(3) ? random.below(data.size() + 1) : data.size();
    got_ += data.substr(0, taken);
    blocked_ = taken < data.size();
    return taken;
  }
  void finish_body(std::span<const net::Field>) override {
    whole_ = true;
    if (got_ != request_body(plan_)) {
      world_.fail(plan_.id, "a guest got another body");
    }
  }
  void resume_answer() override { paused_ = false; }
  void cancel() override {
    over_ = true;
    loop_.cancel_timer(timer_);
  }

 private:
  void go_on() { loop_.set_timer(timer_, static_cast<std::int64_t>(world_.random.below(400'000))); }
  void on_timer() {
    step();
    if (!over_) {
      go_on();
    }
    caller_.on_flush();
  }
  void step() {
    if (blocked_) {
      world_.note(plan_.id);
      blocked_ = false;
      caller_.on_want_body();
      return;
    }
    if (plan_.fault == Fault::kSilent || (!whole_ && plan_.fault != Fault::kEarly) || paused_) {
      return;
    }
    world_.note(plan_.id);
    if (!head_passed_) {
      pass_head();
    } else if (plan_.fault == Fault::kHalfBody && answer_.size() <= plan_.answer_bytes / 2) {
      end_badly();
    } else if (!answer_.empty()) {
      const std::size_t size = 1 + world_.random.below(answer_.size());
      const std::string piece = answer_.substr(0, size);
      answer_.erase(0, size);
      paused_ = !caller_.on_data(piece);
    } else {
      over_ = true;
      caller_.on_end({});
    }
  }
  void pass_head() {
    if (plan_.fault >= Fault::kNoAnswer && plan_.fault != Fault::kHalfBody) {
      end_badly();
      return;
    }
    head_passed_ = true;
    const std::string id = std::to_string(plan_.id);
    const net::Field field{"X-Id", id};
    caller_.on_head({.status = 200,
                     .fields = {&field, 1},
                     .framing = plan_.answer_framing,
                     .content_length = plan_.answer_bytes});
  }
  void end_badly() {
    over_ = true;
    caller_.on_failure({.status = 502, .reason = "Trap", .detail = {}});
  }

  World& world_;
  net::EventLoop& loop_;
  Plan plan_;
  Caller& caller_;
  std::string answer_;  // what is left of it
  std::string got_;
  bool blocked_ = false;
  bool whole_;  // the request
  bool paused_ = false;
  bool head_passed_ = false;
  bool over_ = false;
  net::MemberTimer<GuestCall, &GuestCall::on_timer> timer_{*this};
};

}  // namespace

std::unique_ptr<Call> Guests::start(const CallHead& head, Caller& caller) {
  const Plan plan = make_plan(world_.seed, id_of(head.target));
  ++world_.arrivals[plan.id];
  if (head.method != plan.method || head.target != plan.path()) {
    world_.fail(plan.id, "a guest got another request");
  }
  return std::make_unique<GuestCall>(world_, loop_, plan, head.framing != net::Framing::kNone,
                                     caller);
}

}  // namespace duet::gateway::simulation
