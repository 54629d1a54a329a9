#include "gateway/proxy_call.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace duet::gateway {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::size_t kBufferBytes = 64 << 10;  // of the request's body, and of the answer's
constexpr std::size_t kLargeReadBytes = 64 << 10;
constexpr std::size_t kInterimBytes = 64 << 10;  // heads of 1xx before one answer, all together

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
  set_timer();
  return true;
}

void ProxyCall::set_timer() {
  net::EventLoop& loop = pool_.loop();
  if (tunnel_ || paused_ || done_) {
    loop.cancel_timer(timer_);
  } else if (connection_) {
    loop.set_timer(timer_,
                   (connection_->connected() || connection_->reused() ? timeouts_.idle_ms
                                                                      : timeouts_.connect_ms) *
                       kNsPerMs);
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
    fail_before_answer(Fault::kNotConnected, 502, "ConnectFailed", std::move(detail));
  } else {
    const Fault fault = answer_begun_           ? Fault::kOther
                        : connection_->reused() ? Fault::kStale
                                                : Fault::kLost;
    fail_before_answer(fault, 502, "ConnectionLost", std::move(detail));
  }
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

void ProxyCall::read() {
  if (reading_) {
    return;
  }
  reading_ = true;
  while (!done_ && !paused_ && connection_ && read_step()) {
  }
  reading_ = false;
  if (!done_) {
    set_timer();
  }
}

// One recv and what follows from it. False: nothing more now.
bool ProxyCall::read_step() {
  net::Stream& stream = connection_->stream();
  const bool large = head_passed_ && (head_.framing != net::Framing::kLength ||
                                      head_.content_length > net::BufferPool::kBlockBytes);
  const bool received = stream.fill(kBufferBytes, large ? kLargeReadBytes : 4 << 10);
  answer_begun_ |= !stream.in().empty();
  if (stream.failed()) {
    lose_connection(std::strerror(stream.error()));
    return false;
  }
  bool progress = false;
  if (!head_passed_) {
    progress = read_head();
  } else {
    progress = tunnel_ ? read_tunnel() : read_body();
  }
  if (!done_ && !progress && connection_ && connection_->stream().ended()) {
    stream_ended();
    return false;
  }
  return progress || received;
}

bool ProxyCall::read_head() {
  net::Stream& stream = connection_->stream();
  if (stream.in().empty()) {
    return false;
  }
  const net::ParseResult result = parser_.parse(stream.in().view(), to_head_, head_);
  if (result.state == net::ParseResult::State::kInvalid) {
    fail_before_answer(Fault::kOther, 502, "BadAnswer", std::string(result.reason));
    return false;
  }
  if (result.state == net::ParseResult::State::kIncomplete) {
    return false;
  }
  if (head_.status == 101 && !switches_as_asked()) {
    fail_before_answer(Fault::kOther, 502, "BadAnswer",
                       "the server switches to a protocol that nobody asked for");
    return false;
  }
  interim_bytes_ += head_.status < 200 ? result.consumed : 0;
  if (interim_bytes_ > kInterimBytes) {
    fail(502, "BadAnswer", "too many interim answers");
    return false;
  }
  if (head_.status >= 200 || head_.status == 101) {
    attempts_.note_answer(head_.status);
  }
  if (head_.status != 100) {  // the gateway itself has said that
    pass_head();
  }
  if (done_) {
    return false;
  }
  stream.in().consume(result.consumed);
  if (head_.status >= 200) {
    head_passed_ = true;
    body_ = net::BodyDecoder(head_.framing, head_.content_length, net::HttpLimits{});
  } else if (head_.status == 101) {
    head_passed_ = tunnel_ = true;
    framing_ = net::Framing::kNone;
    set_timer();
  }
  return true;
}

// RFC 9110 section 7.8: a server names the protocol, and it is one of those that it was offered.
bool ProxyCall::switches_as_asked() const {
  const net::Field* upgrade = head_.find(net::FieldId::kUpgrade);
  return wants_upgrade_ && upgrade != nullptr && net::list_has_token(upgrade_, upgrade->value);
}

// Whether a field of that name belongs to the server's connection alone (RFC 9110 section 7.6.1).
bool ProxyCall::names_own(std::string_view name) const {
  return std::any_of(head_.fields.begin(), head_.fields.end(), [name](const net::Field& field) {
    return field.id == net::FieldId::kConnection && net::list_has_token(field.value, name);
  });
}

void ProxyCall::pass_head() {
  fields_.clear();
  const net::Field* length = nullptr;
  bool names_more = false;  // Connection names fields of its own
  for (const net::Field& field : head_.fields) {
    if (field.id == net::FieldId::kContentLength) {
      length = &field;
    } else if (field.id == net::FieldId::kConnection) {
      names_more |= !net::equals_ignoring_case(field.value, "close") &&
                    !net::equals_ignoring_case(field.value, "keep-alive") &&
                    !net::equals_ignoring_case(field.value, "upgrade");
    } else if (!net::is_hop_by_hop(field.id) ||
               (head_.status == 101 && field.id == net::FieldId::kUpgrade)) {
      fields_.push_back(field);
    }
  }
  if (names_more) {
    std::erase_if(fields_, [this](const net::Field& field) {
      return field.id != net::FieldId::kUpgrade && names_own(field.name);
    });
  }
  AnswerHead head{
      .status = head_.status, .fields = fields_, .content_length = head_.content_length};
  switch (head_.framing) {
    case net::Framing::kNone:
      head.describes_body = length != nullptr;
      break;
    case net::Framing::kLength:
      head.framing = net::Framing::kLength;
      break;
    default:
      head.framing = net::Framing::kChunked;
  }
  caller_.on_head(head);
}

bool ProxyCall::read_body() {
  net::Stream& stream = connection_->stream();
  const net::BodyDecoder::Step step = body_.next(stream.in().view());
  if (step.state == net::BodyDecoder::State::kData) {
    paused_ = !caller_.on_data(step.data);
    if (paused_) {
      set_timer();
    }
  }
  if (done_ || !connection_) {
    return false;
  }
  stream.in().consume(step.consumed);
  switch (step.state) {
    case net::BodyDecoder::State::kEnd:
      finish(body_.trailers());
      return false;
    case net::BodyDecoder::State::kInvalid:
      fail(502, "BadAnswer", std::string(step.reason));
      return false;
    case net::BodyDecoder::State::kData:
      return true;
    case net::BodyDecoder::State::kNeedMore:
      return false;
  }
  return false;
}

bool ProxyCall::read_tunnel() {
  net::Buffer& in = connection_->stream().in();
  if (in.empty()) {
    return false;
  }
  paused_ = !caller_.on_data(in.view());
  in.clear();
  return true;
}

// The server closed, and everything that it sent was read.
void ProxyCall::stream_ended() {
  if (tunnel_ || (head_passed_ && body_.until_close())) {
    finish({});
  } else {
    lose_connection("the server closed before the end of its answer");
  }
}

void ProxyCall::finish(std::span<const net::Field> trailers) {
  done_ = true;
  set_timer();
  pool_.loop().cancel_timer(deadline_);
  net::Stream& stream = connection_->stream();
  stream.fill(kBufferBytes);  // what stands behind the answer, if the last read did not tell
  const bool reusable = head_.keep_alive && body_sent_ && !tunnel_ && !stream.ended() &&
                        !stream.failed() && stream.in().empty() && stream.out().empty();
  if (reusable) {
    pool_.give(std::move(connection_));
  } else {
    connection_.reset();
  }
  caller_.on_end(trailers);
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
    fail_before_answer(Fault::kNotConnected, 504, "ConnectTimeout", "no connection in time");
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
