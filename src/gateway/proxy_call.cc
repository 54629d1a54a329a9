#include "gateway/proxy_call.h"

#include <charconv>

namespace duet::gateway {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

}  // namespace

ProxyCall::ProxyCall(UpstreamPool& pool, std::shared_ptr<Servers> servers,
                     const UpstreamTimeouts& timeouts, const CallHead& head, Caller& caller)
    : pool_(pool),
      attempts_(std::move(servers), is_idempotent(head.method)),
      timeouts_(timeouts),
      caller_(caller),
      idempotent_(is_idempotent(head.method)),
      to_head_(head.method == "HEAD"),
      wants_upgrade_(!head.upgrade.empty()),
      upgrade_(head.upgrade),
      framing_(head.framing),
      body_sent_(head.framing == net::Framing::kNone) {
  write_request_head(head, request_text_);
}

ProxyCall::~ProxyCall() = default;

void ProxyCall::begin() {
  if (open_connection(true) && connection_->connected()) {
    if (body_sent_) {
      connection_->stream().flush();
    } else {
      pool_.sends().add(connection_->stream());  // with the body's start, if that is here already
    }
  }
}

// Takes or makes a connection and puts the head into its buffer; one from the pool is looked at
// once more where the request could not be sent again. False: it failed, and the caller knows.
bool ProxyCall::open_connection(bool may_reuse) {
  Origin& origin = attempts_.server();
  if (timeouts_.total_ms > 0) {
    pool_.loop().set_timer(deadline_, timeouts_.total_ms * kNsPerMs);
  }
  connection_ =
      may_reuse ? pool_.take(origin, !idempotent_ || framing_ != net::Framing::kNone) : nullptr;
  if (!connection_) {
    auto connected = pool_.connect(origin);
    if (!connected.ok()) {
      fail_before_answer(Fault::kNotConnected, 502, "ConnectFailed", connected.error().message());
      return connection_ != nullptr;
    }
    connection_ = std::move(*connected);
  }
  connection_->set_user(this);
  connection_->stream().out().append(request_text_);
  if (connection_->connected()) {
    set_timer();
  } else {
    pool_.loop().set_timer(timer_, timeouts_.connect_ms * kNsPerMs);
  }
  return true;
}

// A connection that is being made has its time from its start.
void ProxyCall::set_timer() {
  if (tunnel_ || paused_ || done_) {
    pool_.loop().cancel_timer(timer_);
  } else if (connection_ && connection_->connected()) {
    pool_.loop().set_timer(timer_, timeouts_.idle_ms * kNsPerMs);
  }
}

// Sends the request again where that is safe, or tells the caller.
void ProxyCall::fail_before_answer(Fault fault, int status, std::string_view reason,
                                   std::string detail) {
  // What waits in the buffer of a connection that was never made has not been sent.
  const bool unsent = fault == Fault::kNotConnected || !body_begun_;
  if (!attempts_.fail(fault, reason, unsent)) {
    fail(status, reason, std::move(detail));
    return;
  }
  std::string gathered;
  if (fault == Fault::kNotConnected && connection_) {
    gathered = connection_->stream().out().view();
  }
  connection_.reset();
  if (open_connection(false) && gathered.size() > request_text_.size()) {
    connection_->stream().out().append(std::string_view(gathered).substr(request_text_.size()));
  }
}

// What the stream was needed for does not come any more.
void ProxyCall::lose_connection(std::string detail) {
  if (head_passed_) {
    fail(502, "ConnectionLost", std::move(detail));
  } else if (!connection_->connected() && !connection_->reused()) {
    fail_before_answer(Fault::kNotConnected, 502, connect_failure(), std::move(detail));
  } else {
    const Fault fault = answer_begun_           ? Fault::kOther
                        : connection_->reused() ? Fault::kStale
                                                : Fault::kLost;
    fail_before_answer(fault, 502, "ConnectionLost", std::move(detail));
  }
}

// What kept a new connection from being one that can be asked.
std::string_view ProxyCall::connect_failure() const {
  const net::StreamCipher* cipher = connection_->stream().cipher();
  if (cipher == nullptr || !connection_->reached()) {
    return "ConnectFailed";
  }
  return cipher->distrusts() ? "CertificateRefused" : "HandshakeFailed";
}

std::size_t ProxyCall::write_body(std::string_view data) {
  if (done_ || !connection_) {
    return data.size();
  }
  net::Stream& stream = connection_->stream();
  if (stream.out().size() >= kBufferBytes) {
    body_short_ = true;
    return 0;
  }
  body_begun_ = true;
  set_timer();  // while the client sends, the server is not late
  char size[20];
  std::string_view size_line;
  std::string_view line_end;
  if (framing_ == net::Framing::kChunked && !tunnel_) {
    auto [end, error] = std::to_chars(size, size + 16, data.size(), 16);
    *end++ = '\r';
    *end++ = '\n';
    size_line = {size, static_cast<std::size_t>(end - size)};
    line_end = "\r\n";
  }
  if (connection_->connected()) {
    stream.send({size_line, data, line_end});
  } else {
    for (const std::string_view piece : {size_line, data, line_end}) {
      stream.out().append(piece);
    }
  }
  return data.size();
}

void ProxyCall::finish_body(std::span<const net::Field> trailers) {
  if (done_ || !connection_) {
    return;
  }
  net::Stream& stream = connection_->stream();
  if (tunnel_) {
    stream.flush();
    stream.shutdown_send();
    return;
  }
  body_sent_ = true;
  set_timer();
  if (framing_ == net::Framing::kChunked) {
    body_begun_ = true;
    std::string end = "0\r\n";
    for (const net::Field& trailer : trailers) {
      write_field(trailer, end);
    }
    end += "\r\n";
    stream.out().append(end);
  }
  if (connection_->connected()) {
    stream.flush();
  }
}

void ProxyCall::resume_answer() {
  paused_ = false;
  if (connection_ && !done_) {
    set_timer();
    read();
  }
}

void ProxyCall::on_upstream() {
  if (!connection_->stream().failed() && connection_->connected()) {
    connection_->stream().flush();
  }
  read();
  if (!done_ && connection_ && body_short_ &&
      connection_->stream().out().size() < kBufferBytes / 2) {
    body_short_ = false;
    caller_.on_want_body();
  }
  caller_.on_flush();
}

Usage ProxyCall::usage() const {
  return {.retries = attempts_.retries(), .retry_reason = attempts_.retry_reason()};
}

void ProxyCall::cancel() {
  done_ = true;
  pool_.loop().cancel_timer(timer_);
  pool_.loop().cancel_timer(deadline_);
  connection_.reset();
}

void ProxyCall::fail(int status, std::string_view reason, std::string detail) {
  done_ = true;
  set_timer();
  pool_.loop().cancel_timer(deadline_);
  detail.append(" (").append(attempts_.server().name).append(")");
  connection_.reset();
  caller_.on_failure({.status = status, .reason = reason, .detail = std::move(detail)});
}

void ProxyCall::on_idle() {
  if (done_) {
    return;
  }
  if (!connection_->connected() && !connection_->reused()) {
    fail_before_answer(
        Fault::kNotConnected, 504, "ConnectTimeout",
        connection_->reached() ? "no TLS handshake in time" : "no connection in time");
  } else {
    time_out("the server sent nothing in time");
  }
  caller_.on_flush();
}

void ProxyCall::time_out(std::string_view what) {
  if (head_passed_) {
    fail(504, "UpstreamTimeout", std::string(what));
  } else {
    fail_before_answer(Fault::kOther, 504, "UpstreamTimeout", std::string(what));
  }
}

void ProxyCall::on_deadline() {
  if (!done_) {
    time_out("the answer was not complete in time");
    caller_.on_flush();
  }
}

}  // namespace duet::gateway
