#include <algorithm>
#include <charconv>

#include "gateway/client_connection.h"

namespace duet::gateway {
namespace {

constexpr std::size_t kCopyBytes =
    16 << 10;  // answer pieces up to this size are gathered, larger ones sent at once

std::string_view hex(std::size_t value, char (&text)[20]) {
  auto [end, error] = std::to_chars(text, text + 16, value, 16);
  *end++ = '\r';
  *end++ = '\n';
  return {text, static_cast<std::size_t>(end - text)};
}

}  // namespace

// Forgets the last request and counts a new one, whose head is request_.
void ClientConnection::begin_exchange() {
  state_ = State::kExchange;
  transaction_.begin(request_);
  keep_alive_ = request_.keep_alive && !draining_ && !front_.draining;
  first_request_ = head_timed_ = false;
  body_ = net::BodyDecoder(request_.framing, request_.content_length, front_.limits.http);
  pending_data_ = 0;
  body_blocked_ = false;
  body_ended_ = request_.framing == net::Framing::kNone;
  own_fields_.clear();
  if (request_.framing == net::Framing::kChunked) {
    for (const net::Field& field : request_.fields) {
      if (field.id == net::FieldId::kConnection) {
        own_fields_.append(field.value).append(",");
      }
    }
  }
  head_written_ = answer_ended_ = answer_paused_ = chunked_ = bodyless_ = counted_ = false;
}

void ClientConnection::start_exchange() {
  if (const auto own = transaction_.find_call(request_, *this)) {
    answer_own(*own);
  } else if (request_.expect_continue) {
    stream_.out().append("HTTP/1.1 100 Continue\r\n\r\n");
    stream_.flush();
  }
}

void ClientConnection::answer_own(const OwnAnswer& answer) {
  const std::string body = format_own_answer(answer);
  transaction_.set_reason(answer.reason);
  if (!body_ended_ && request_.expect_continue) {
    keep_alive_ = false;  // nobody asked for the body, and the client may or may not send it
  }
  on_head({.status = answer.status,
           .fields = own_answer_fields(answer),
           .framing = net::Framing::kLength,
           .content_length = body.size()});
  on_data(body);
  on_end({});
}

void ClientConnection::write_field(std::string_view name, std::string_view value) {
  net::Buffer& out = stream_.out();
  char* to = out.prepare(name.size() + value.size() + 4);
  __builtin_memcpy(to, name.data(), name.size());
  to += name.size();
  *to++ = ':';
  *to++ = ' ';
  __builtin_memcpy(to, value.data(), value.size());
  to += value.size();
  *to++ = '\r';
  *to++ = '\n';
  out.commit(name.size() + value.size() + 4);
}

void ClientConnection::write_framing(const AnswerHead& head) {
  char digits[20];
  const bool has_status_body = head.status != 204 && head.status != 304;
  bodyless_ = !has_status_body || transaction_.method() == "HEAD";
  counted_ = !bodyless_ && head.framing != net::Framing::kChunked;
  answer_left_ = head.framing == net::Framing::kLength ? head.content_length : 0;
  if (head.framing == net::Framing::kChunked) {
    if (bodyless_) {
      return;
    }
    chunked_ = request_.minor_version == 1;
    if (chunked_) {
      write_field("Transfer-Encoding", "chunked");
    } else {
      keep_alive_ = false;  // the end of the connection is the end of the body
    }
  } else if (has_status_body || (head.describes_body && head.status == 304)) {
    const std::uint64_t length =
        head.framing == net::Framing::kLength || head.describes_body ? head.content_length : 0;
    const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), length);
    write_field("Content-Length", {digits, static_cast<std::size_t>(end - digits)});
  }
}

void ClientConnection::write_head(const AnswerHead& head) {
  net::Buffer& out = stream_.out();
  char digits[4];
  std::to_chars(digits, digits + 3, head.status);
  digits[3] = ' ';
  out.append("HTTP/1.1 ");
  out.append({digits, 4});
  out.append(net::status_reason(head.status));
  out.append("\r\n");
  bool date = head.status < 200;
  for (const net::Field& field : head.fields) {
    date |= field.id == net::FieldId::kDate;
    write_field(field.name, field.value);
  }
  if (!date) {
    write_field("Date", front_.date.get(front_.loop));
  }
  if (head.status >= 200) {
    write_framing(head);
    if (!keep_alive_) {
      write_field("Connection", "close");
    } else if (request_.minor_version == 0) {
      write_field("Connection", "keep-alive");
    }
  } else if (head.status == 101) {
    write_field("Connection", "Upgrade");
  }
  out.append("\r\n");
}

void ClientConnection::on_head(const AnswerHead& head) {
  const bool interim = head.status < 200 && head.status != 101;
  if (interim) {
    if (request_.minor_version == 1) {
      write_head(head);
    }
    return;
  }
  transaction_.set_status(head.status);
  head_written_ = true;
  progress_ns_ = front_.loop.now_ns();
  write_head(transaction_.filter(head, fields_));
  if (head.status == 101) {
    state_ = State::kTunnel;
    transaction_.cancel_deadline();
    body_ended_ = body_blocked_ = false;
    keep_alive_ = false;
  }
}

bool ClientConnection::on_data(std::string_view data) {
  if (bodyless_ || data.empty() || state_ == State::kClosed) {
    return true;
  }
  if (counted_ && state_ != State::kTunnel) {
    if (data.size() > answer_left_) {
      on_failure({.status = 502, .reason = "BadLength", .detail = "more body than Content-Length"});
      return true;
    }
    answer_left_ -= data.size();
  }
  transaction_.count_out(data.size());
  net::Buffer& out = stream_.out();
  char text[20];
  const std::string_view size_line = chunked_ ? hex(data.size(), text) : std::string_view();
  const std::string_view line_end = chunked_ ? std::string_view("\r\n") : std::string_view();
  if (out.size() + data.size() <= kCopyBytes) {
    out.append(size_line);
    out.append(data);
    out.append(line_end);
  } else {
    stream_.send({size_line, data, line_end});
  }
  answer_paused_ = out.size() >= front_.limits.answer_buffer_bytes;
  return !answer_paused_;
}

void ClientConnection::write_trailers(std::span<const net::Field> trailers) {
  stream_.out().append("0\r\n");
  for (const net::Field& trailer : trailers) {
    write_field(trailer.name, trailer.value);
  }
  stream_.out().append("\r\n");
}

void ClientConnection::on_end(std::span<const net::Field> trailers) {
  if (answer_ended_ || state_ == State::kClosed) {
    return;
  }
  if (counted_ && answer_left_ > 0 && state_ != State::kTunnel) {
    on_failure({.status = 502, .reason = "BadLength", .detail = "less body than Content-Length"});
    return;
  }
  if (state_ == State::kTunnel) {
    body_ended_ = true;  // nobody reads what the client still sends
  } else if (chunked_) {
    write_trailers(trailers);
  }
  answer_ended_ = true;
}

void ClientConnection::on_failure(const Failure& failure) {
  if (answer_ended_ || state_ == State::kClosed) {
    return;
  }
  transaction_.fail(failure);
  answer_paused_ = false;
  if (!head_written_) {
    answer_own({.status = failure.status, .reason = failure.reason, .location = {}});
    return;
  }
  break_off();
}

}  // namespace duet::gateway
