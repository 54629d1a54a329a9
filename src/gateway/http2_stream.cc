#include "gateway/http2_stream.h"

#include <algorithm>

#include "gateway/http2_connection.h"
#include "gateway/http2_fields.h"

namespace duet::gateway {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

ssize_t read_answer_of(nghttp2_session* session, std::int32_t, std::uint8_t* into, std::size_t size,
                       std::uint32_t* flags, nghttp2_data_source* source, void*) {
  return static_cast<Http2Stream*>(source->ptr)->read_answer(session, into, size, *flags);
}

}  // namespace

Http2Stream::Http2Stream(Http2Connection& connection, std::int32_t id)
    : connection_(connection),
      id_(id),
      limits_(connection.front().limits.http),
      head_(limits_),
      transaction_(connection.front(), connection.client()),
      pending_(connection.front().buffers),
      answer_(connection.front().buffers),
      progress_ns_(connection.front().loop.now_ns()) {}

Http2Stream::~Http2Stream() = default;

void Http2Stream::begin(bool ended) {
  if (refused_) {
    return;
  }
  head_complete_ = true;
  body_ended_ = body_finished_ = ended;
  net::RequestHead request;
  const auto fault = head_.finish(ended, request);
  transaction_.begin(request);
  if (fault) {
    transaction_.set_detail(fault->reason);
    answer_own({.status = fault->status, .reason = "BadRequest", .location = {}});
  } else if (const auto own = transaction_.find_call(request, *this)) {
    answer_own(*own);
  } else {
    if (request.expect_continue) {
      submit_interim({.status = 100, .fields = {}});
    }
    transaction_.call()->begin();
  }
  head_ = Http2Head(limits_);
  watch();
}

void Http2Stream::body(std::string_view data) {
  const Front& front = connection_.front();
  progress_ns_ = head_written_ ? front.loop.now_ns()
                               : front.limits.pace(progress_ns_, data.size(), front.loop.now_ns());
  pending_.append(data);
  pump_body();
  watch();
}

void Http2Stream::end_body() {
  body_ended_ = true;
  pump_body();
  watch();
}

void Http2Stream::client_ended() {
  if (!body_ended_ && !answer_.finished()) {
    reset(NGHTTP2_CANCEL);
  }
}

// Gives the call what there is of the request's body.
void Http2Stream::pump_body() {
  Call* call = transaction_.call();
  if (call == nullptr || answer_.finished() || closed_) {
    discard_body();
    return;
  }
  if (!transaction_.takes_body(pending_.size())) {
    on_failure(transaction_.refuse_body());
    return;
  }
  while (!pending_.empty() && !body_blocked_) {
    const std::size_t taken = call->write_body(pending_.view());
    body_blocked_ = taken < pending_.size();
    transaction_.count_in(taken);
    pending_.consume(taken);
    connection_.consume(id_, taken);
  }
  if (pending_.empty()) {
    pending_.release();
    if (body_ended_ && !body_finished_) {
      body_finished_ = true;
      call->finish_body(head_.trailers());
    }
  }
}

// Nobody wants it, but its window is the connection's as well.
void Http2Stream::discard_body() {
  const std::size_t size = pending_.size();
  pending_.release();
  connection_.consume(id_, size);
}

void Http2Stream::on_want_body() {
  body_blocked_ = false;
  progress_ns_ = connection_.front().loop.now_ns();  // it was not the client that did nothing
}

void Http2Stream::on_flush() {
  if (!closed_) {
    pump_body();
    watch();
    connection_.pump();
  }
}

void Http2Stream::answer_own(const OwnAnswer& answer) {
  const std::string body = format_own_answer(answer);
  transaction_.set_reason(answer.reason);
  on_head({.status = answer.status,
           .fields = own_answer_fields(answer),
           .framing = net::Framing::kLength,
           .content_length = body.size()});
  on_data(body);
  on_end({});
}

void Http2Stream::submit_interim(const AnswerHead& head) {
  Http2Fields out;
  out.add_kept(":status", std::to_string(head.status));
  out.add(head.fields);
  nghttp2_submit_headers(connection_.session(), NGHTTP2_FLAG_NONE, id_, nullptr, out.data(),
                         out.size(), nullptr);
}

void Http2Stream::submit_head(const AnswerHead& head) {
  Front& front = connection_.front();
  Http2Fields out;
  out.add_kept(":status", std::to_string(head.status));
  out.add(head.fields);
  const bool dated = std::any_of(head.fields.begin(), head.fields.end(),
                                 [](const auto& field) { return field.id == net::FieldId::kDate; });
  if (!dated) {
    out.add("date", front.date.get(front.loop));
  }
  const bool has_status_body = head.status != 204 && head.status != 304;
  bodyless_ = !has_status_body || transaction_.method() == "HEAD";
  counted_ = !bodyless_ && head.framing != net::Framing::kChunked;
  answer_left_ = head.framing == net::Framing::kLength ? head.content_length : 0;
  const bool known = head.framing == net::Framing::kLength || head.describes_body;
  // An answer that ends with its head says so by that, and gRPC wants to see it.
  if (head.framing != net::Framing::kChunked &&
      ((head.describes_body && head.status != 204) || (has_status_body && !head.complete))) {
    out.add_kept("content-length", std::to_string(known ? head.content_length : 0));
  }
  nghttp2_data_provider provider{};
  provider.source.ptr = this;
  provider.read_callback = read_answer_of;
  if (nghttp2_submit_response(connection_.session(), id_, out.data(), out.size(),
                              head.complete ? nullptr : &provider) != 0) {
    reset(NGHTTP2_INTERNAL_ERROR);
  }
}

void Http2Stream::on_head(const AnswerHead& head) {
  if (closed_) {
    return;
  }
  if (head.status < 200) {
    submit_interim(head);
    return;
  }
  transaction_.set_status(head.status);
  head_written_ = true;
  progress_ns_ = connection_.front().loop.now_ns();
  submit_head(transaction_.filter(head, fields_));
}

bool Http2Stream::on_data(std::string_view data) {
  if (bodyless_ || data.empty() || closed_) {
    return true;
  }
  if (counted_) {
    if (data.size() > answer_left_) {
      on_failure({.status = 502, .reason = "BadLength", .detail = "more body than Content-Length"});
      return true;
    }
    answer_left_ -= data.size();
  }
  if (answer_.empty()) {
    progress_ns_ = connection_.front().loop.now_ns();  // until now the client had nothing to take
  }
  transaction_.count_out(data.size());
  answer_.append(data);
  connection_.answer_bytes() += data.size();
  resume_data();
  watch();
  answer_paused_ = answer_.size() >= connection_.front().limits.answer_buffer_bytes ||
                   connection_.answer_bytes() >= Http2Connection::kAnswerBytes;
  return !answer_paused_;
}

void Http2Stream::on_end(std::span<const net::Field> trailers) {
  if (answer_.finished() || closed_) {
    return;
  }
  if (counted_ && answer_left_ > 0) {
    on_failure({.status = 502, .reason = "BadLength", .detail = "less body than Content-Length"});
    return;
  }
  if (answer_.empty()) {
    progress_ns_ = connection_.front().loop.now_ns();
  }
  answer_.finish(trailers);
  transaction_.cancel_deadline();
  resume_data();
  watch();
}

void Http2Stream::on_failure(const Failure& failure) {
  if (answer_.finished() || closed_) {
    return;
  }
  transaction_.fail(failure);
  answer_paused_ = false;
  discard_body();
  if (!head_written_) {
    answer_own({.status = failure.status, .reason = failure.reason, .location = {}});
  } else {
    reset(NGHTTP2_INTERNAL_ERROR);  // so that the client can tell that it is not complete
  }
}

void Http2Stream::resume_data() {
  if (answer_.end_wait()) {
    nghttp2_session_resume_data(connection_.session(), id_);
  }
}

ssize_t Http2Stream::read_answer(nghttp2_session* session, std::uint8_t* into, std::size_t size,
                                 std::uint32_t& flags) {
  const ssize_t taken = answer_.read(session, id_, into, size, flags);
  if (taken == NGHTTP2_ERR_DEFERRED) {
    return taken;
  }
  if (taken > 0) {
    connection_.answer_bytes() -= static_cast<std::size_t>(taken);
    progress_ns_ = connection_.front().loop.now_ns();
  }
  if (answer_paused_) {
    connection_.note_drained(id_);
  }
  watch();
  return taken;
}

bool Http2Stream::resume_if_drained() {
  const bool room = answer_.empty() || connection_.answer_bytes() < Http2Connection::kAnswerBytes;
  if (!answer_paused_ || closed_ || !room || transaction_.call() == nullptr ||
      answer_.size() >= connection_.front().limits.answer_buffer_bytes / 2) {
    return false;
  }
  answer_paused_ = false;
  transaction_.call()->resume_answer();
  return true;
}

void Http2Stream::closed(std::uint32_t error) {
  closed_ = true;
  connection_.front().loop.cancel_timer(stall_);
  if (!head_complete_) {  // not a request as HTTP/2 has it; it gets its line all the same
    transaction_.begin(net::RequestHead{});
    transaction_.set_reason(error == NGHTTP2_CANCEL ? "ClientGone" : "BadRequest");
    transaction_.set_detail(nghttp2_http2_strerror(error));
  }
  if (!transaction_.has_reason() && (!answer_.finished() || error != NGHTTP2_NO_ERROR)) {
    transaction_.set_reason("ClientGone");
    transaction_.set_detail(nghttp2_http2_strerror(error));
  }
  transaction_.end();
  discard_body();
  connection_.answer_bytes() -= answer_.size();
  answer_.release();
}

void Http2Stream::refuse() {
  refused_ = true;
  reset(NGHTTP2_PROTOCOL_ERROR);
}

void Http2Stream::reset(std::uint32_t error) {
  nghttp2_submit_rst_stream(connection_.session(), NGHTTP2_FLAG_NONE, id_, error);
}

// The client is waited for while it has answer data to take, or a body to send that the backend
// waits for. After the answer's head a body may take its time: both sides may talk for as long as
// they like.
void Http2Stream::watch() {
  net::EventLoop& loop = connection_.front().loop;
  const bool body_awaited = !body_ended_ && !body_blocked_ && !head_written_;
  const bool answer_waits = answer_.waits() && !bodyless_;
  if (closed_ || (!answer_waits && !body_awaited)) {
    loop.cancel_timer(stall_);
    return;
  }
  const std::int64_t timeout_ns = connection_.front().limits.stall_timeout_ms * kNsPerMs;
  loop.set_timer(stall_, timeout_ns - (loop.now_ns() - progress_ns_));
}

void Http2Stream::on_stall() {
  if (head_written_) {
    if (!transaction_.has_reason()) {
      transaction_.set_reason("ClientStalled");
    }
    reset(NGHTTP2_CANCEL);
  } else if (head_complete_) {
    on_failure({.status = 408, .reason = "BodyTimeout", .detail = {}});
  }
  connection_.pump();
}

}  // namespace duet::gateway
