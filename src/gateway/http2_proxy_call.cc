#include "gateway/http2_proxy_call.h"

#include <algorithm>

namespace duet::gateway {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

using Close = UpstreamSession::Close;

}  // namespace

Http2ProxyCall::Http2ProxyCall(UpstreamPool& pool, std::shared_ptr<Servers> servers,
                               const UpstreamTimeouts& timeouts, const CallHead& head,
                               Caller& caller)
    : pool_(pool),
      attempts_(std::move(servers), is_idempotent(head.method)),
      timeouts_(timeouts),
      caller_(caller),
      has_body_(head.framing != net::Framing::kNone),
      body_(pool.buffers()),
      section_(net::HttpLimits{}),
      pending_(pool.buffers()) {
  if (!has_body_) {
    body_.finish({});
  }
  make_request(head);
}

Http2ProxyCall::~Http2ProxyCall() { leave_session(); }

// The fields with one copy of all their bytes, because the head's views end with start().
void Http2ProxyCall::make_request(const CallHead& head) {
  std::size_t size = head.method.size() + head.authority.size() + head.target.size();
  for (const net::Field& field : head.fields) {
    size += field.name.size() + field.value.size();
  }
  request_text_.reserve(size);  // so that the views stay
  const auto kept = [this](std::string_view text) {
    const std::size_t begin = request_text_.size();
    request_text_.append(text);
    return std::string_view(request_text_).substr(begin);
  };
  request_.add(":method", kept(head.method));
  request_.add(":scheme", "http");
  if (!head.authority.empty()) {
    request_.add(":authority", kept(head.authority));
  }
  request_.add(":path", kept(head.target));
  for (const net::Field& field : head.fields) {
    const net::Field copy{kept(field.name), kept(field.value), field.id};
    request_.add({&copy, 1});
  }
  request_.add("via", kVia);
  if (head.takes_trailers) {
    request_.add("te", "trailers");
  }
  if (head.framing == net::Framing::kLength) {
    request_.add_kept("content-length", std::to_string(head.content_length));
  }
}

void Http2ProxyCall::begin() { attach(); }

// Puts the request on a connection, or tells the caller that there is none.
void Http2ProxyCall::attach() {
  if (timeouts_.total_ms > 0) {
    pool_.loop().set_timer(deadline_, timeouts_.total_ms * kNsPerMs);
  }
  const auto session = pool_.session(attempts_.server());
  if (!session.ok()) {
    fail_before_answer(Fault::kNotConnected, 502, "ConnectFailed", session.error().message());
    return;
  }
  if (*session == nullptr) {
    fail(503, "Overloaded", "too many requests wait for the server");
    return;
  }
  reused_ = (*session)->connected();
  (void)body_.end_wait();  // of the connection before
  const auto id = (*session)->submit(request_, has_body_, *this);
  if (!id.ok()) {
    fail(502, "ConnectFailed", id.error().message());
    return;
  }
  session_ = *session;
  id_ = *id;
  set_timer();
}

void Http2ProxyCall::leave_session() {
  if (session_ != nullptr) {
    session_->consume(id_, pending_.size());
    session_->leave(id_, *this);
    session_ = nullptr;
  }
  pending_.release();
}

void Http2ProxyCall::set_timer() {
  net::EventLoop& loop = pool_.loop();
  if (paused_ || done_ || session_ == nullptr) {
    loop.cancel_timer(timer_);
  } else {
    loop.set_timer(timer_,
                   (session_->connected() ? timeouts_.idle_ms : timeouts_.connect_ms) * kNsPerMs);
  }
}

// Sends the request again where that is safe, or tells the caller.
void Http2ProxyCall::fail_before_answer(Fault fault, int status, std::string_view reason,
                                        std::string detail) {
  leave_session();
  if (attempts_.fail(fault, reason, !body_read_)) {
    attach();
  } else {
    fail(status, reason, std::move(detail));
  }
}

std::size_t Http2ProxyCall::write_body(std::string_view data) {
  if (done_) {
    return data.size();
  }
  if (body_.size() >= kBodyBytes) {
    body_short_ = true;
    return 0;
  }
  body_.append(data);
  resume_body();
  return data.size();
}

void Http2ProxyCall::finish_body(std::span<const net::Field> trailers) {
  if (done_ || body_.finished()) {
    return;
  }
  body_.finish(trailers);
  resume_body();
}

void Http2ProxyCall::resume_body() {
  if (body_.end_wait()) {
    session_->resume_body(id_);
  }
}

ssize_t Http2ProxyCall::read_body(nghttp2_session* session, std::uint8_t* into, std::size_t size,
                                  std::uint32_t& flags) {
  const ssize_t taken = body_.read(session, id_, into, size, flags);
  if (taken == NGHTTP2_ERR_DEFERRED) {
    return taken;
  }
  body_read_ |= taken > 0;
  set_timer();  // the server takes something
  if (body_short_ && body_.size() < kBodyBytes / 2) {
    session_->settle_soon(*this);
  }
  return taken;
}

void Http2ProxyCall::resume_answer() {
  paused_ = false;
  if (!done_) {
    set_timer();
    pass_body();
  }
}

void Http2ProxyCall::on_section() { section_ = Http2Head(net::HttpLimits{}); }

void Http2ProxyCall::on_field(std::string_view name, std::string_view value) {
  section_.add(name, value);
}

void Http2ProxyCall::on_section_end(bool ended) {
  if (done_) {
    return;
  }
  session_->settle_soon(*this);
  set_timer();
  answer_ended_ = ended;
  if (!head_passed_) {
    pass_head(ended);
  }
  if (answer_ended_ && !done_) {
    pass_body();
  }
}

void Http2ProxyCall::pass_head(bool ended) {
  net::ResponseHead response;
  if (const auto wrong = section_.finish(ended, response)) {
    fail_before_answer(Fault::kOther, 502, "BadAnswer", std::string(wrong->reason));
    return;
  }
  if (response.status == 100) {  // the gateway itself has said that
    return;
  }
  const bool sized = response.find(net::FieldId::kContentLength) != nullptr;
  std::erase_if(response.fields, [](const net::Field& field) {
    return field.id == net::FieldId::kContentLength || net::is_hop_by_hop(field.id);
  });
  head_passed_ = response.status >= 200;
  if (head_passed_) {
    attempts_.note_answer(response.status);
  }
  caller_.on_head({.status = response.status,
                   .fields = response.fields,
                   .framing = response.framing,
                   .content_length = response.content_length,
                   .describes_body = ended && sized,
                   .complete = ended});
  section_ = Http2Head(net::HttpLimits{});  // from now on: trailers
}

void Http2ProxyCall::on_body(std::string_view data) {
  if (done_) {
    session_->consume(id_, data.size());
    return;
  }
  session_->settle_soon(*this);
  set_timer();
  if (paused_) {
    pending_.append(data);
    return;
  }
  paused_ = !caller_.on_data(data);
  if (session_ != nullptr) {
    session_->consume(id_, data.size());
  }
  set_timer();
}

void Http2ProxyCall::on_body_end() {
  if (!done_) {
    session_->settle_soon(*this);
    answer_ended_ = true;
    pass_body();
  }
}

// Gives the caller what there is, unless it does not take more now.
void Http2ProxyCall::pass_body() {
  if (!paused_ && !pending_.empty()) {
    paused_ = !caller_.on_data(pending_.view());
    if (session_ != nullptr) {
      session_->consume(id_, pending_.size());
    }
    pending_.release();
  }
  if (done_) {
    return;
  }
  set_timer();
  if (answer_ended_ && !paused_) {
    end_answer();
  }
}

void Http2ProxyCall::end_answer() {
  done_ = true;
  set_timer();
  pool_.loop().cancel_timer(deadline_);
  caller_.on_end(section_.trailers());
}

void Http2ProxyCall::on_settled() {
  if (!done_ && body_short_ && body_.size() < kBodyBytes / 2) {
    body_short_ = false;
    caller_.on_want_body();
  }
  caller_.on_flush();
}

void Http2ProxyCall::on_closed(Close how, const std::string& detail) {
  session_ = nullptr;
  if (done_ || answer_ended_) {
    return;
  }
  struct Meaning {
    Fault fault;
    std::string_view reason;
  };
  const auto meaning = [&]() -> Meaning {
    switch (how) {
      case Close::kNotConnected:
        return {Fault::kNotConnected, "ConnectFailed"};
      case Close::kBroken:
        return {Fault::kOther, "BadAnswer"};
      case Close::kUnseen:
        return {Fault::kUnseen, "ConnectionLost"};
      case Close::kRefused:
        return {Fault::kRefused, "StreamReset"};
      case Close::kComplete:
      case Close::kReset:
        return {Fault::kOther, "StreamReset"};
      case Close::kLost:
        return {reused_ ? Fault::kStale : Fault::kLost, "ConnectionLost"};
    }
    return {Fault::kOther, "StreamReset"};
  }();
  if (head_passed_) {
    fail(502, meaning.reason, detail);
  } else {
    fail_before_answer(meaning.fault, 502, meaning.reason, detail);
  }
  caller_.on_flush();
}

Usage Http2ProxyCall::usage() const {
  return {.retries = attempts_.retries(), .retry_reason = attempts_.retry_reason()};
}

void Http2ProxyCall::cancel() {
  done_ = true;
  pool_.loop().cancel_timer(timer_);
  pool_.loop().cancel_timer(deadline_);
  leave_session();
}

void Http2ProxyCall::fail(int status, std::string_view reason, std::string detail) {
  done_ = true;
  set_timer();
  pool_.loop().cancel_timer(deadline_);
  detail.append(" (").append(attempts_.server().name).append(")");
  leave_session();
  caller_.on_failure({.status = status, .reason = reason, .detail = std::move(detail)});
}

void Http2ProxyCall::on_idle() {
  if (done_ || session_ == nullptr) {
    return;
  }
  const bool connected = session_->connected();
  session_->note_silence(timeouts_.idle_ms);
  if (connected) {
    time_out("the server sent nothing in time");
  } else {
    fail_before_answer(Fault::kNotConnected, 504, "ConnectTimeout", "no connection in time");
  }
  caller_.on_flush();
}

void Http2ProxyCall::on_deadline() {
  if (!done_) {
    time_out("the answer was not complete in time");
    caller_.on_flush();
  }
}

void Http2ProxyCall::time_out(std::string_view what) {
  if (head_passed_) {
    fail(504, "UpstreamTimeout", std::string(what));
  } else {
    fail_before_answer(Fault::kOther, 504, "UpstreamTimeout", std::string(what));
  }
}

}  // namespace duet::gateway
