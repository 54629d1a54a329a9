#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/handler.h"
#include "gateway/exchange.h"
#include "gateway/services.h"

namespace duet::gateway {

// Where an outgoing request leads: a service of the table, or an address.
struct Destination {
  std::string host;  // lower case, without port and brackets
  int port = 0;
};

// Host and port of an authority; port 0 becomes the scheme's default.
Destination parse_destination(std::string_view scheme, std::string_view authority);

// Whether `rules` let a handler in namespace `ns` ask this destination. Nothing is allowed but what
// is named; a service may be named in any of its forms.
bool is_outbound_allowed(const std::vector<OutboundRule>& rules, std::string_view scheme,
                         const Destination& destination, std::string_view ns);

// Whose outgoing requests they are; of one request of a handler.
struct OutgoingOrigin {
  std::shared_ptr<const ActiveTable> table;  // for names of services
  // For a handler that stands before a backend: its next step is steps' step + 1.
  std::shared_ptr<const RouteSteps> steps;
  std::size_t step = 0;
  bool next_asked = false;
  std::uint32_t requests = 0;  // but the one to the next step
  std::uint64_t bytes = 0;     // of their bodies and their answers' bodies
  int hops = 0;                // handlers that asked one another before this one
};

// One outgoing request of a guest, carried out by a call to a backend. Owned by the guest's
// HandlerCall, which calls pump() when the guest did something.
class OutgoingCall final : public Caller {
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

 private:
  bool may_go(const engine::OutgoingHead& head, const Destination& destination);
  bool may_ask_next_step();
  bool count_request();
  bool deny(engine::HttpError error, const std::string& why);
  std::unique_ptr<Call> connect(const engine::OutgoingHead& head, const Destination& destination);
  std::unique_ptr<Call> ask_address(const CallHead& head, const Destination& destination);
  void pump_request();
  void pump_answer();
  bool spend(std::size_t bytes);
  void refuse(engine::HttpError error);
  void let_go();
  void close();
  void on_timeout();

  HandlerShared& shared_;
  engine::HandlerRequest& request_;
  std::uint32_t id_;
  OutgoingOrigin& origin_;
  Usage& usage_;
  bool is_next_step_;
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
};

}  // namespace duet::gateway
