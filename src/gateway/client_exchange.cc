#include <algorithm>
#include <charconv>

#include "gateway/client_connection.h"
#include "gateway/request_filter.h"

namespace duet::gateway {
namespace {

constexpr std::size_t kCopyBytes =
    16 << 10;  // answer pieces up to this size are gathered, larger ones sent at once
constexpr std::int64_t kNsPerMs = 1'000'000;

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
  ++front_.requests;
  ++front_.requests_in_flight;
  began_ns_ = front_.loop.clock_ns();
  keep_alive_ = request_.keep_alive && !front_.draining;
  first_request_ = head_timed_ = false;
  rule_ = nullptr;
  reference_ = nullptr;
  body_ = net::BodyDecoder(request_.framing, request_.content_length, front_.limits.http);
  pending_data_ = 0;
  body_blocked_ = false;
  body_ended_ = request_.framing == net::Framing::kNone;
  head_written_ = answer_ended_ = answer_paused_ = chunked_ = bodyless_ = counted_ = false;
  bytes_in_ = bytes_out_ = 0;
  status_ = 0;
  route_name_ = backend_name_ = reason_ = {};
  detail_.clear();
  usage_ = {};
  log_text_.assign(request_.method);
  method_size_ = log_text_.size();
  log_text_.append(request_.authority);
  host_size_ = request_.authority.size();
  log_text_.append(request_.path);
}

void ClientConnection::start_call(const RouteMatch& match) {
  table_ = front_.table;
  rule_ = match.rule;
  route_name_ = match.route->name;
  if (match.rule->filters.redirect) {
    answer_redirect(match);
    return;
  }
  const ActiveTable::Choice choice = table_->choose(*match.rule, front_.random());
  if (choice.backend == nullptr) {
    answer_text(500, choice.reference == nullptr ? "NoBackend" : "BackendNotFound");
    return;
  }
  reference_ = choice.reference;
  backend_name_ = choice.backend->name();
  CallHead head;
  fill_call_head(match, *choice.reference, head);
  if (request_.expect_continue) {
    stream_.out().append("HTTP/1.1 100 Continue\r\n\r\n");
    stream_.flush();
  }
  if (match.rule->request_timeout_ms > 0) {
    front_.loop.set_timer(deadline_, match.rule->request_timeout_ms * kNsPerMs);
  }
  call_ = choice.backend->start(head, *this);
}

void ClientConnection::fill_call_head(const RouteMatch& match, const WeightedBackend& reference,
                                      CallHead& head) {
  forwarded_fields(request_, fields_);
  fields_.push_back({"x-forwarded-for", client_ip_, net::FieldId::kXForwardedFor});
  fields_.push_back({"x-forwarded-proto", "http", net::FieldId::kXForwardedProto});
  if (!request_.authority.empty()) {
    fields_.push_back({"x-forwarded-host", request_.authority, net::FieldId::kXForwardedHost});
  }
  modify_fields(match.rule->filters.request_headers, fields_);
  modify_fields(reference.filters.request_headers, fields_);
  head.method = request_.method;
  head.scheme = "http";
  head.authority = request_.authority;
  // The target without the scheme and authority of an absolute form.
  const std::size_t size = request_.path.size() + request_.query.size();
  if (request_.path.data() + request_.path.size() == request_.query.data()) {
    head.target = {request_.path.data(), size};
  } else {
    scratch_.assign(request_.path).append(request_.query);
    head.target = scratch_;
  }
  for (const Filters* filters : {&match.rule->filters, &reference.filters}) {
    if (filters->rewrite) {
      if (!filters->rewrite->hostname.empty()) {
        head.authority = filters->rewrite->hostname;
      }
      if (filters->rewrite->path) {
        scratch_ = modify_path(*filters->rewrite->path, request_.path, match.prefix);
        scratch_ += request_.query;
        head.target = scratch_;
      }
    }
  }
  head.fields = fields_;
  head.framing = request_.framing;
  head.content_length = request_.content_length;
  head.client_address = client_ip_;
  head.timeout_ms = match.rule->backend_request_timeout_ms;
  if (request_.upgrade && request_.framing == net::Framing::kNone) {
    head.upgrade = request_.find(net::FieldId::kUpgrade)->value;
  }
}

void ClientConnection::answer_redirect(const RouteMatch& match) {
  const Redirect& redirect = *match.rule->filters.redirect;
  const std::string location = redirect_location(redirect, "http", request_, match.prefix);
  answer_text(redirect.status, "Redirect", "Location", location);
}

// An answer of the gateway itself: the status, its phrase and one word why.
void ClientConnection::answer_text(int status, std::string_view reason, std::string_view extra_name,
                                   std::string_view extra_value) {
  char digits[12];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), status);
  std::string body(digits, end);
  body.append(" ").append(net::status_reason(status)).append(": ").append(reason).append("\n");
  std::vector<net::Field> fields{{"Content-Type", "text/plain; charset=utf-8"}};
  if (!extra_name.empty()) {
    fields.push_back({extra_name, extra_value});
  }
  reason_ = reason;
  if (!body_ended_ && request_.expect_continue) {
    keep_alive_ = false;  // nobody asked for the body, and the client may or may not send it
  }
  on_head({.status = status,
           .fields = fields,
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
  bodyless_ = !has_status_body || std::string_view(log_text_).substr(0, method_size_) == "HEAD";
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
  } else if (has_status_body || head.describes_body) {
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
  status_ = head.status;
  head_written_ = true;
  progress_ns_ = front_.loop.now_ns();
  if (rule_ != nullptr && (!rule_->filters.response_headers.empty() ||
                           (reference_ && !reference_->filters.response_headers.empty()))) {
    std::vector<net::Field> fields(head.fields.begin(), head.fields.end());
    modify_fields(rule_->filters.response_headers, fields);
    if (reference_ != nullptr) {
      modify_fields(reference_->filters.response_headers, fields);
    }
    AnswerHead modified = head;
    modified.fields = fields;
    write_head(modified);
  } else {
    write_head(head);
  }
  if (head.status == 101) {
    state_ = State::kTunnel;
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
  bytes_out_ += data.size();
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
  if (call_) {
    usage_ = call_->usage();
  }
  front_.graveyard.bury(std::move(call_));
  answer_paused_ = false;
  detail_ = failure.detail;
  if (!head_written_) {
    rule_ = nullptr;  // its filters are for the backend's answers
    reference_ = nullptr;
    answer_text(failure.status, failure.reason);
    return;
  }
  reason_ = failure.reason;
  stream_.flush();
  close();
}

// The present request is over: one line, and its table and call are let go.
void ClientConnection::log_exchange() {
  if (call_) {
    usage_ = call_->usage();
    front_.graveyard.bury(std::move(call_));
  }
  front_.loop.cancel_timer(deadline_);
  const std::string_view text(log_text_);
  const AccessRecord record{.client = client_ip_,
                            .method = text.substr(0, method_size_),
                            .host = text.substr(method_size_, host_size_),
                            .path = text.substr(method_size_ + host_size_),
                            .status = status_,
                            .bytes_in = bytes_in_,
                            .bytes_out = bytes_out_,
                            .duration_ns = front_.loop.clock_ns() - began_ns_,
                            .route = route_name_,
                            .backend = backend_name_,
                            .reason = reason_,
                            .detail = detail_,
                            .cpu_ns = usage_.cpu_ns,
                            .peak_memory_bytes = usage_.peak_memory_bytes,
                            .outgoing = usage_.outgoing};
  front_.access_log.write(record);
  route_name_ = backend_name_ = {};
  --front_.requests_in_flight;
  table_.reset();
}

}  // namespace duet::gateway
