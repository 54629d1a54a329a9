#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/attempts.h"
#include "gateway/exchange.h"
#include "gateway/upstream_pool.h"
#include "gateway/upstream_request.h"
#include "net/http_body.h"
#include "net/http_response_parser.h"

namespace duet::gateway {

// One request to a server over HTTP/1.1, on a pooled connection if there is one. Where it failed
// before any byte of an answer it may be sent again (Attempts says when), to the next server or, if
// it met a connection which the server had just closed, on a new one.
class ProxyCall final : public Call, public UpstreamConnection::User {
 public:
  static constexpr std::size_t kBufferBytes = 64 << 10;  // of the request's body, and the answer's

  ProxyCall(UpstreamPool& pool, std::shared_ptr<Servers> servers, const UpstreamTimeouts& timeouts,
            const CallHead& head, Caller& caller);
  ~ProxyCall() override;

  void begin() override;
  std::size_t write_body(std::string_view data) override;
  void finish_body(std::span<const net::Field> trailers) override;
  void resume_answer() override;
  void cancel() override;
  Usage usage() const override;
  bool connected() const override { return connection_ && connection_->connected(); }
  void on_upstream() override;

 private:
  bool open_connection(bool may_reuse);
  std::string_view connect_failure() const;
  void fail_before_answer(Fault fault, int status, std::string_view reason, std::string detail);
  void lose_connection(std::string detail);
  void fail(int status, std::string_view reason, std::string detail);
  void time_out(std::string_view what);
  void set_timer();
  void on_idle();
  void on_deadline();

  // proxy_call_answer.cc
  void read();
  bool read_step();
  bool read_head();
  bool switches_as_asked() const;
  bool names_own(std::string_view name) const;
  void pass_head();
  bool read_body();
  bool read_tunnel();
  void stream_ended();
  void finish(std::span<const net::Field> trailers);

  UpstreamPool& pool_;
  Attempts attempts_;
  UpstreamTimeouts timeouts_;
  Caller& caller_;
  std::unique_ptr<UpstreamConnection> connection_;
  std::string request_text_;  // the head, for sending it again
  bool idempotent_ = false;
  bool to_head_ = false;
  bool wants_upgrade_ = false;
  std::string upgrade_;            // the protocols that the client offers
  std::size_t interim_bytes_ = 0;  // heads of 1xx that came
  net::Framing framing_;
  bool body_sent_ = false;   // all of the request
  bool body_short_ = false;  // write_body() was short
  bool body_begun_ = false;
  bool answer_begun_ = false;  // bytes of the answer came
  bool head_passed_ = false;
  bool tunnel_ = false;
  bool paused_ = false;
  bool done_ = false;
  bool reading_ = false;
  net::ResponseParser parser_{net::HttpLimits{}};
  net::ResponseHead head_;
  net::BodyDecoder body_;
  std::vector<net::Field> fields_;
  net::MemberTimer<ProxyCall, &ProxyCall::on_idle> timer_{*this};
  net::MemberTimer<ProxyCall, &ProxyCall::on_deadline> deadline_{*this};
};

}  // namespace duet::gateway
