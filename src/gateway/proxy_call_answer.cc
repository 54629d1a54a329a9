// The way of the answer: from the server's connection to the caller.

#include <algorithm>

#include "gateway/proxy_call.h"

namespace duet::gateway {
namespace {

constexpr std::size_t kLargeReadBytes = 64 << 10;
constexpr std::size_t kInterimBytes = 64 << 10;  // heads of 1xx before one answer, all together

}  // namespace

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
  bool progress = false;
  if (!head_passed_) {
    progress = read_head();
  } else {
    progress = tunnel_ ? read_tunnel() : read_body();
  }
  if (done_ || progress || !connection_) {
    return progress || received;
  }
  // What came before the end was read: it may have been all.
  if (connection_->stream().failed()) {
    lose_connection(connection_->stream().problem());
    return false;
  }
  if (connection_->stream().ended()) {
    stream_ended();
    return false;
  }
  return received;
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

}  // namespace duet::gateway
