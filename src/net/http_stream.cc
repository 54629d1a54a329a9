#include "net/http_stream.h"

#include <sys/socket.h>

#include <cerrno>
#include <charconv>

namespace duet::net {
namespace {

constexpr std::size_t kReadBytes = 4 << 10;

void append_fields(std::string& out, const FieldList& fields) {
  for (const auto& [name, value] : fields) {
    out.append(name).append(": ").append(value).append("\r\n");
  }
  out.append("\r\n");
}

Status check_fields(const FieldList& fields) {
  for (const auto& [name, value] : fields) {
    if (!is_token(name) || !is_field_value(value)) {
      return invalid("header field '" + name + "' has bytes that HTTP does not allow");
    }
  }
  return {};
}

}  // namespace

std::string_view find_value(const FieldList& fields, std::string_view name) {
  for (const auto& [key, value] : fields) {
    if (equals_ignoring_case(key, name)) {
      return value;
    }
  }
  return {};
}

Result<std::size_t> MessageReader::fill() {
  char* room = buffer_.prepare(kReadBytes);
  DUET_ASSIGN(const std::size_t got, stream_.receive(room, buffer_.room()));
  buffer_.commit(got);
  return got;
}

Result<std::optional<RequestHead>> MessageReader::read_request() {
  buffer_.consume(consumed_);
  consumed_ = 0;
  RequestHead head;
  for (;;) {
    const ParseResult result = requests_.parse(buffer_.view(), head);
    if (result.state == ParseResult::State::kDone) {
      consumed_ = result.consumed;
      body_ = BodyDecoder(head.framing, head.content_length, limits_);
      return std::optional(std::move(head));
    }
    if (result.state == ParseResult::State::kInvalid) {
      refusal_ = result.status;
      return invalid(std::string(result.reason));
    }
    DUET_ASSIGN(const std::size_t got, fill());
    if (got == 0) {
      if (buffer_.empty()) {
        return std::optional<RequestHead>();
      }
      return Error(ErrorCode::kUnavailable, "the peer closed in the middle of a request's head");
    }
  }
}

Result<ResponseHead> MessageReader::read_response(bool to_head) {
  buffer_.consume(consumed_);
  consumed_ = 0;
  ResponseHead head;
  for (;;) {
    const ParseResult result = responses_.parse(buffer_.view(), to_head, head);
    if (result.state == ParseResult::State::kDone) {
      if (head.status < 200 && head.status != 101) {
        buffer_.consume(result.consumed);
        continue;
      }
      consumed_ = result.consumed;
      body_ = BodyDecoder(head.framing, head.content_length, limits_);
      return head;
    }
    if (result.state == ParseResult::State::kInvalid) {
      return invalid("the answer is not valid HTTP: " + std::string(result.reason));
    }
    DUET_ASSIGN(const std::size_t got, fill());
    if (got == 0) {
      return Error(ErrorCode::kUnavailable, "the peer closed before it answered");
    }
  }
}

Result<std::string_view> MessageReader::read_body() {
  buffer_.consume(consumed_);
  consumed_ = 0;
  for (;;) {
    const BodyDecoder::Step step = body_.next(buffer_.view());
    switch (step.state) {
      case BodyDecoder::State::kData:
        consumed_ = step.consumed;
        return step.data;
      case BodyDecoder::State::kEnd:
        buffer_.consume(step.consumed);
        return std::string_view();
      case BodyDecoder::State::kInvalid:
        return invalid("invalid chunked body: " + std::string(step.reason));
      case BodyDecoder::State::kNeedMore:
        break;
    }
    buffer_.consume(step.consumed);
    DUET_ASSIGN(const std::size_t got, fill());
    if (got == 0) {
      if (body_.until_close()) {
        body_ = BodyDecoder();
        return std::string_view();
      }
      return Error(ErrorCode::kUnavailable, "the peer closed in the middle of a body");
    }
  }
}

Result<std::string> MessageReader::read_whole_body(std::size_t limit_bytes) {
  std::string body;
  for (;;) {
    DUET_ASSIGN(const std::string_view piece, read_body());
    if (piece.empty()) {
      return body;
    }
    if (body.size() + piece.size() > limit_bytes) {
      return Error(ErrorCode::kExhausted,
                   "the body has more than " + std::to_string(limit_bytes) + " bytes");
    }
    body += piece;
  }
}

std::string MessageReader::take_buffered() {
  buffer_.consume(consumed_);
  consumed_ = 0;
  std::string rest(buffer_.view());
  buffer_.clear();
  return rest;
}

Status send_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t sent = send(fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      data.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return Error(ErrorCode::kTimeout, "the peer took nothing in time");
    } else if (errno != EINTR) {
      return Error::from_errno("sending", errno);
    }
  }
  return {};
}

Status write_request_head(ByteStream& stream, std::string_view method, std::string_view target,
                          const FieldList& fields) {
  if (!is_token(method) || target.empty() ||
      target.find_first_of(std::string_view(" \r\n\t\0", 5)) != std::string_view::npos) {
    return invalid("'" + std::string(method) + " " + std::string(target) +
                   "' is not a valid request line");
  }
  DUET_TRY(check_fields(fields));
  std::string out;
  out.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
  append_fields(out, fields);
  return stream.send(out);
}

Status write_response_head(ByteStream& stream, int status, const FieldList& fields) {
  DUET_TRY(check_fields(fields));
  std::string out = "HTTP/1.1 " + std::to_string(status) + " ";
  out.append(status_reason(status)).append("\r\n");
  append_fields(out, fields);
  return stream.send(out);
}

Status write_chunk(ByteStream& stream, std::string_view data) {
  if (data.empty()) {
    return {};  // an empty chunk would end the body
  }
  char size[20];
  const auto [end, error] = std::to_chars(size, size + sizeof(size), data.size(), 16);
  std::string out(size, end);
  out.append("\r\n").append(data).append("\r\n");
  return stream.send(out);
}

Status end_chunks(ByteStream& stream) { return stream.send("0\r\n\r\n"); }

}  // namespace duet::net
