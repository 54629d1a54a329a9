#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/handler.h"
#include "gateway/exchange.h"
#include "gateway/outbound_policy.h"
#include "gateway/services.h"
#include "net/resolver.h"

namespace duet::gateway {

// Whose outgoing requests they are; of one request of a handler.
struct OutgoingOrigin {
  std::shared_ptr<const ActiveTable> table;  // for names of services
  // For a handler that stands before a backend: its next step is steps' step + 1.
  std::shared_ptr<const NextSteps> steps;
  std::size_t step = 0;
  bool next_asked = false;
  std::uint32_t requests = 0;  // but the one to the next step
  std::uint64_t bytes = 0;     // of their bodies and their answers' bodies
  int hops = 0;                // handlers that asked one another before this one
};

// One outgoing request of a guest, carried out by a call to a backend, within the handler's budgets
// and the times that the guest itself has set (wasi:http's request-options). Owned by the guest's
// HandlerCall, which calls pump() when the guest did something.
class OutgoingCall final : public Caller, public net::Resolver::Waiter {
 public:
  // Several handlers may ask one another; past this they are taken for a loop.
  static constexpr int kHopLimit = 8;

  // `usage` is the guest's request's, in which this one is counted. Both outlive this.
  OutgoingCall(HandlerShared& shared, engine::HandlerRequest& request,
               const engine::OutgoingHead& head, OutgoingOrigin& origin, Usage& usage);
  ~OutgoingCall();

  void begin();
  void pump();
  bool closed() const { return closed_; }
  // Of a call that is not over; what was over is in the guest's request's usage.
  Usage usage() const { return call_ ? call_->usage() : Usage{}; }

  void on_head(const AnswerHead& head) override;
  bool on_data(std::string_view data) override;
  void on_end(std::span<const net::Field> trailers) override;
  void on_failure(const Failure& failure) override;
  void on_want_body() override { pump_request(); }
  void on_flush() override {}
  void on_resolved(const net::Resolver::Answer& answer) override;

 private:
  bool may_go();
  bool may_ask_next_step();
  bool count_request();
  bool deny(engine::HttpError error, const std::string& why);
  void log(const std::string& what);
  std::unique_ptr<Call> connect();
  std::unique_ptr<Call> start_call(
      const std::function<std::unique_ptr<Call>(const CallHead&)>& start);
  void look_up();
  std::unique_ptr<Call> ask_addresses(const std::vector<std::string>& addresses);
  void pump_request();
  void pump_answer();
  bool spend(std::size_t bytes);
  void refuse(engine::HttpError error);
  void let_go();
  void close();
  void set_timer(net::Timer& timer, std::optional<std::uint64_t> time_ns);
  void await_bytes();
  void on_timeout();
  void on_connect_timeout();
  void on_silence();

  HandlerShared& shared_;
  engine::HandlerRequest& request_;
  engine::OutgoingHead head_;  // its texts live until the request is closed
  std::uint32_t id_;
  Destination destination_;
  OutgoingOrigin& origin_;
  Usage& usage_;
  bool is_next_step_ = false;
  std::string tls_name_;   // as whom the server must show itself; empty: no TLS
  bool looks_up_ = false;  // the resolver knows of this
  std::unique_ptr<Call> call_;
  std::string request_rest_;  // body of the guest's request that the call did not take yet
  bool request_ended_ = false;
  bool responded_ = false;
  std::string answer_rest_;  // body of the answer that the guest did not take yet
  bool answer_ended_ = false;
  bool paused_ = false;
  bool closed_ = false;
  std::vector<std::pair<std::string, std::string>> trailers_;
  net::MemberTimer<OutgoingCall, &OutgoingCall::on_timeout> timer_{*this};
  // The guest's own: for a connection, and for the answer's first and next bytes.
  net::MemberTimer<OutgoingCall, &OutgoingCall::on_connect_timeout> connect_timer_{*this};
  net::MemberTimer<OutgoingCall, &OutgoingCall::on_silence> silence_timer_{*this};
};

}  // namespace duet::gateway
