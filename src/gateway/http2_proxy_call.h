#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/attempts.h"
#include "gateway/exchange.h"
#include "gateway/http2_body.h"
#include "gateway/http2_fields.h"
#include "gateway/http2_head.h"
#include "gateway/upstream_pool.h"
#include "gateway/upstream_request.h"
#include "net/buffer.h"

namespace duet::gateway {

// One request to a server over HTTP/2, on a connection that others use as well. Where it failed
// before any field of an answer it may be sent again (Attempts says when). What asks for an upgrade
// is sent without asking: that is for HTTP/1.1 alone.
class Http2ProxyCall final : public Call, public UpstreamSession::User {
 public:
  static constexpr std::size_t kBodyBytes = 64 << 10;  // of the request, that wait for the server

  Http2ProxyCall(UpstreamPool& pool, std::shared_ptr<Servers> servers,
                 const UpstreamTimeouts& timeouts, const CallHead& head, Caller& caller);
  ~Http2ProxyCall() override;

  void begin() override;
  std::size_t write_body(std::string_view data) override;
  void finish_body(std::span<const net::Field> trailers) override;
  void resume_answer() override;
  void cancel() override;
  Usage usage() const override;
  bool connected() const override { return session_ != nullptr && session_->connected(); }

  void on_connected() override { set_timer(); }
  void on_section() override;
  void on_field(std::string_view name, std::string_view value) override;
  void on_section_end(bool ended) override;
  void on_body(std::string_view data) override;
  void on_body_end() override;
  ssize_t read_body(nghttp2_session* session, std::uint8_t* into, std::size_t size,
                    std::uint32_t& flags) override;
  void on_closed(UpstreamSession::Close how, const std::string& detail) override;
  void on_settled() override;

 private:
  void make_request(const CallHead& head);
  void attach();
  void leave_session();
  void resume_body();
  void fail_before_answer(Fault fault, int status, std::string_view reason, std::string detail);
  void time_out(std::string_view what);
  void pass_head(bool ended);
  void pass_body();
  void end_answer();
  void fail(int status, std::string_view reason, std::string detail);
  void set_timer();
  void on_idle();
  void on_deadline();

  UpstreamPool& pool_;
  Attempts attempts_;
  UpstreamTimeouts timeouts_;
  Caller& caller_;
  std::string request_text_;  // what request_ views
  Http2Fields request_;       // the head, for sending it again
  bool has_body_ = false;
  Http2Body body_;           // of the request
  bool body_short_ = false;  // write_body() was short
  bool body_read_ = false;   // some of it was sent
  UpstreamSession* session_ = nullptr;
  std::int32_t id_ = 0;
  bool reused_ = false;  // the connection had been used before
  Http2Head section_;
  bool head_passed_ = false;
  net::Buffer pending_;  // answer body that the caller does not take now
  bool paused_ = false;
  bool answer_ended_ = false;
  bool done_ = false;
  net::MemberTimer<Http2ProxyCall, &Http2ProxyCall::on_idle> timer_{*this};
  net::MemberTimer<Http2ProxyCall, &Http2ProxyCall::on_deadline> deadline_{*this};
};

}  // namespace duet::gateway
