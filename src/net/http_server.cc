#include "net/http_server.h"

namespace duet::net {
namespace {

constexpr std::size_t kSkipLimitBytes =
    1 << 20;  // of a body nobody read; past it the connection closes

}  // namespace

ServerConnection::ServerConnection(sys::Fd socket, const HttpLimits& limits,
                                   std::int64_t timeout_ms)
    : socket_(std::move(socket)),
      stream_(std::make_unique<SocketStream>(socket_.get())),
      reader_(std::make_unique<MessageReader>(*stream_, limits)) {
  stream_->set_timeout(timeout_ms);
}

ServerConnection::ServerConnection(sys::Fd socket, std::unique_ptr<ByteStream> stream,
                                   const HttpLimits& limits)
    : socket_(std::move(socket)),
      stream_(std::move(stream)),
      reader_(std::make_unique<MessageReader>(*stream_, limits)) {}

Result<std::optional<ServerConnection::Request>> ServerConnection::next() {
  // After "Expect: 100-continue" the client may or may not send the body now.
  if (body_left_ && (expects_continue_ || !reader_->read_whole_body(kSkipLimitBytes).ok())) {
    keep_alive_ = false;
  }
  body_left_ = false;
  if (!keep_alive_) {
    return std::optional<Request>();
  }
  auto read = reader_->read_request();
  if (!read.ok()) {
    keep_alive_ = false;
    if (read.error().code() == ErrorCode::kInvalid) {
      DUET_TRY(respond(reader_->refusal(), {{"Content-Type", "text/plain"}},
                       read.error().message() + "\n"));
      return std::optional<Request>();
    }
    return read.error();
  }
  if (!read->has_value()) {
    return std::optional<Request>();
  }
  const RequestHead& head = **read;
  Request request{.method = std::string(head.method),
                  .path = std::string(head.path),
                  .query = std::string(head.query.empty() ? head.query : head.query.substr(1)),
                  .upgrade = head.upgrade};
  for (const Field& field : head.fields) {
    request.fields.emplace_back(field.name, field.value);
  }
  keep_alive_ = head.keep_alive;
  body_left_ = head.framing != Framing::kNone;
  expects_continue_ = head.expect_continue;
  to_head_ = head.method == "HEAD";
  return std::optional(std::move(request));
}

Status ServerConnection::continue_if_expected() {
  if (!expects_continue_) {
    return {};
  }
  expects_continue_ = false;
  return write_response_head(*stream_, 100, {});
}

Result<std::string> ServerConnection::read_whole_body(std::size_t limit_bytes) {
  DUET_TRY(continue_if_expected());
  auto body = reader_->read_whole_body(limit_bytes);
  keep_alive_ = keep_alive_ && body.ok();
  body_left_ = false;
  return body;
}

Status ServerConnection::respond(int status, const FieldList& fields, std::string_view body) {
  FieldList all = fields;
  if (status != 204 && status != 304) {
    all.emplace_back("Content-Length", std::to_string(body.size()));
  }
  if (!keep_alive_) {
    all.emplace_back("Connection", "close");
  }
  DUET_TRY(write_response_head(*stream_, status, all));
  return to_head_ ? Status() : stream_->send(body);
}

Status ServerConnection::begin(int status, const FieldList& fields) {
  FieldList all = fields;
  all.emplace_back("Transfer-Encoding", "chunked");
  if (!keep_alive_) {
    all.emplace_back("Connection", "close");
  }
  return write_response_head(*stream_, status, all);
}

Status ServerConnection::write(std::string_view data) {
  return to_head_ ? Status() : write_chunk(*stream_, data);
}

Status ServerConnection::end() { return to_head_ ? Status() : end_chunks(*stream_); }

Status ServerConnection::switch_protocols(const FieldList& fields) {
  keep_alive_ = false;
  FieldList all = fields;
  all.emplace_back("Connection", "Upgrade");
  return write_response_head(*stream_, 101, all);
}

}  // namespace duet::net
