#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/exchange.h"
#include "gateway/group_frame.h"
#include "net/event_loop.h"

namespace duet::gateway {

class GroupLink;

// Of calls whose worker ended before they did.
Failure worker_lost();

// A call that another group's gateway answers.
class GroupCall final : public Call {
 public:
  // `wall_ms`: how long it may take in all, for a gateway that says nothing any more; 0: no bound.
  GroupCall(std::shared_ptr<GroupLink> link, const CallTarget& target, std::int64_t wall_ms,
            const CallHead& head, Caller& caller);
  ~GroupCall() override;

  void begin() override;
  std::size_t write_body(std::string_view data) override;
  void finish_body(std::span<const net::Field> trailers) override;
  void resume_answer() override;
  Usage usage() const override { return usage_; }
  void cancel() override;

  // What the other side says, told by the link. False: it broke the rules. The link has forgotten
  // this before it tells of an end or a failure.
  bool take_head(const AnswerHead& head);
  bool take_data(std::string_view data);
  void take_end(std::span<const net::Field> trailers);
  void take_failure(const Failure& failure);
  bool take_credit(std::uint32_t bytes);
  void take_usage(const Usage& usage) { usage_ = usage; }
  bool may_end() const { return head_passed_; }
  // The other side asks for what comes after its handler.
  std::unique_ptr<Call> start_next(const CallHead& head, Caller& caller);
  // All that has come was told.
  void settle() { caller_.on_flush(); }

 private:
  void end();
  void give_credit();
  void fail(const Failure& failure);
  void on_timeout();

  std::shared_ptr<GroupLink> link_;
  Caller& caller_;
  std::string start_;  // until it is sent
  std::int64_t wall_ms_;
  std::shared_ptr<const NextSteps> steps_;
  std::size_t step_;
  bool next_asked_ = false;
  std::uint64_t id_ = 0;  // 0: it has not begun
  bool done_ = false;
  bool head_passed_ = false;
  std::int64_t credit_ = kWindowBytes;  // for the request's body
  bool body_short_ = false;
  std::int64_t answer_credit_ = kWindowBytes;  // that the other side has
  std::int64_t answer_taken_ = 0;              // that it will get back
  bool paused_ = false;
  std::string pending_;  // of the answer, that the caller does not take now
  bool ended_ = false;   // what is pending is the rest
  std::vector<std::pair<std::string, std::string>> trailers_;
  Usage usage_;
  net::MemberTimer<GroupCall, &GroupCall::on_timeout> timer_{*this};
};

}  // namespace duet::gateway
