#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/handler.h"
#include "gateway/cgi_response.h"
#include "gateway/exchange.h"
#include "gateway/outgoing_call.h"
#include "gateway/sandbox_engine.h"
#include "gateway/services.h"
#include "net/event_loop.h"

namespace duet::gateway {

// One request in a sandbox of its own. The guest runs when its answer is awaited or when something
// that it waits for has come; the answer ends when the guest has ended, so that what it used is
// known then.
class HandlerCall final : public Call, public SandboxUser {
 public:
  // A call, or one that has failed already if there is no sandbox.
  static std::unique_ptr<Call> start(std::shared_ptr<HandlerShared> shared, const CallHead& head,
                                     Caller& caller);
  ~HandlerCall() override;

  void begin() override;
  std::size_t write_body(std::string_view data) override;
  void finish_body(std::span<const net::Field> trailers) override;
  void resume_answer() override;
  Usage usage() const override;
  void cancel() override;
  void on_sandbox_ready() override;

 private:
  HandlerCall(std::shared_ptr<HandlerShared> shared, const CallHead& head, Caller& caller);
  void poll();
  void pass_head();
  void answer_with(const AnswerHead& head);
  void read_answer();
  void read_printed_head();
  void read_body();
  void pass_data(std::string_view data);
  void take_logs();
  void end_logs();
  void serve_outgoing();
  void start_outgoing(const engine::OutgoingHead& head);
  void take_end();
  void finish_if_complete();
  void fail(int status, std::string_view reason, std::string detail);
  void end_sandbox();
  void on_timeout();

  std::shared_ptr<HandlerShared> shared_;
  Caller& caller_;
  std::optional<engine::HandlerRequest> request_;  // none: the guest is gone
  std::unique_ptr<CgiResponseHead> printed_head_;  // of a command, which prints its answer
  bool head_passed_ = false;
  bool body_ended_ = false;
  bool guest_ended_ = false;
  bool paused_ = false;
  bool done_ = false;
  bool failed_ = false;
  bool body_short_ = false;
  std::uint64_t response_bytes_ = 0;
  std::uint64_t log_dropped_ = 0;  // bytes
  Usage usage_;
  std::vector<std::pair<std::string, std::string>> trailers_;
  OutgoingOrigin origin_;
  std::vector<std::unique_ptr<OutgoingCall>> outgoing_;
  std::unique_ptr<LineCutter> out_lines_;
  std::unique_ptr<LineCutter> error_lines_;
  std::int64_t began_ns_ = 0;
  net::MemberTimer<HandlerCall, &HandlerCall::on_timeout> timer_{*this};
};

}  // namespace duet::gateway
