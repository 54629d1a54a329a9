#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/exchange.h"
#include "gateway/front.h"
#include "gateway/route_index.h"
#include "net/event_loop.h"
#include "net/http_message.h"

namespace duet::gateway {

// Who asks: one client's connection.
struct Client {
  std::string listener;  // its name
  std::string address;   // IP
  std::string_view scheme = "http";
  bool trusted = false;     // it is believed when it says for whom it asks
  bool own_routes = false;  // of its listener: Listener::own_routes
};

// An answer of the gateway itself: the status, and one word why, a constant.
struct OwnAnswer {
  int status = 500;
  std::string_view reason;  // empty: the status says everything, and there is no body
  std::string location;     // of a redirect
  std::string retry_after;  // seconds; empty: not said
};

// Its body as text, and its fields; `body` must outlive the fields.
std::string format_own_answer(const OwnAnswer& answer);
std::vector<net::Field> own_answer_fields(const OwnAnswer& answer);

// One request of a client whatever version of HTTP brought it: finds the rule and the backend,
// makes the head that the backend gets, applies the rule's filters to the answer, keeps the rule's
// time, counts, and writes the line in the access log. Used again for the next request. Not
// thread-safe; `client` must outlive it.
class Transaction {
 public:
  Transaction(Front& front, const Client& client) : front_(front), client_(client) {}
  ~Transaction() = default;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // Counts a new request, whose head is `request`.
  void begin(const net::RequestHead& request);
  // Whether a request was begun and has not ended.
  bool active() const { return active_; }

  // Finds who answers. Nothing: call() is there, and Call::begin is for the caller to say, when
  // `request` may be forgotten. on_failure() of `caller` is called, and on_flush(), when the rule's
  // time is over.
  std::optional<OwnAnswer> find_call(const net::RequestHead& request, Caller& caller);
  Call* call() const { return call_.get(); }

  // The answer's head as the client is to see it: by the filters of rule and backend. `fields`
  // keeps what changed.
  AnswerHead filter(const AnswerHead& head, std::vector<net::Field>& fields) const;
  // The answer is a tunnel or complete: its time has no bound any more.
  void cancel_deadline() { front_.loop.cancel_timer(deadline_); }

  // The call ends without its whole answer. What the gateway answers then is not filtered.
  void fail(const Failure& failure);
  void set_status(int status) { status_ = status; }
  int status() const { return status_; }
  void set_reason(std::string_view reason) { reason_ = reason; }
  bool has_reason() const { return !reason_.empty(); }
  void set_detail(std::string_view detail) { detail_ = detail; }
  // Whether the route allows so many more bytes of body; if not, refuse_body() is for on_failure().
  bool takes_body(std::size_t bytes) const {
    return body_limit_ == 0 || bytes_in_ + bytes <= body_limit_;
  }
  Failure refuse_body() const;
  void count_in(std::size_t bytes) { bytes_in_ += bytes; }
  void count_out(std::size_t bytes) { bytes_out_ += bytes; }
  std::string_view method() const { return std::string_view(log_text_).substr(0, method_size_); }

  // The request is over: its line is written, its call and table are let go. Nothing happens when
  // there is none.
  void end();

 private:
  std::string_view address() const {
    return origin_ ? std::string_view(origin_->address) : std::string_view(client_.address);
  }
  std::string_view scheme() const { return origin_ ? origin_->scheme : client_.scheme; }
  void add_origin(const net::RequestHead& request, std::vector<net::Field>& fields) const;
  std::optional<OwnAnswer> refuse_by_policy(const Route& route, const net::RequestHead& request);
  std::optional<RouteMatch> find_route(const net::RequestHead& request) const;
  std::unique_ptr<Call> start_call(const ActiveTable::Choice& choice, const CallHead& head,
                                   Caller& caller) const;
  void fill_call_head(const net::RequestHead& request, const RouteMatch& match, CallHead& head);
  void drop_call();
  void on_deadline();

  Front& front_;
  const Client& client_;
  Caller* caller_ = nullptr;
  bool active_ = false;
  std::optional<RequestOrigin> origin_;  // nothing: client_
  std::shared_ptr<const ActiveTable> table_;
  std::unique_ptr<Call> call_;
  const Rule* rule_ = nullptr;
  const WeightedBackend* reference_ = nullptr;
  std::int64_t began_ns_ = 0;
  std::uint64_t body_limit_ = 0;  // bytes; 0: none
  std::uint64_t bytes_in_ = 0;
  std::uint64_t bytes_out_ = 0;
  int status_ = 0;
  std::string log_text_;  // method, host and path, because the buffer that held the head is reused
  std::size_t method_size_ = 0;
  std::size_t host_size_ = 0;
  std::string_view route_name_;
  std::string_view backend_name_;
  std::string_view reason_;
  std::string detail_;
  Usage usage_;
  net::MemberTimer<Transaction, &Transaction::on_deadline> deadline_{*this};
};

}  // namespace duet::gateway
