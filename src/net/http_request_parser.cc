#include "net/http_request_parser.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "net/content_length.h"
#include "net/http_fields.h"
#include "net/http_target.h"

namespace duet::net {
namespace {

using State = ParseResult::State;

bool is_target(std::string_view target) {
  return std::all_of(target.begin(), target.end(),
                     [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

// Splits the target into authority, path and query by its form (RFC 9112 section 3.2).
const char* split_target(RequestHead& head) {
  std::string_view rest = head.target;
  if (rest.empty() || !is_target(rest)) {
    return "invalid request target";
  }
  if (rest == "*") {
    head.path = rest;
    return head.method == "OPTIONS" ? nullptr : "asterisk form without OPTIONS";
  }
  if (rest.front() != '/') {
    const std::size_t colon = rest.find("://");
    if (colon == std::string_view::npos) {
      return "invalid request target";
    }
    const std::string_view scheme = rest.substr(0, colon);
    if (!equals_ignoring_case(scheme, "http") && !equals_ignoring_case(scheme, "https")) {
      return "unsupported scheme in request target";
    }
    rest.remove_prefix(colon + 3);
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    head.authority = rest.substr(0, end);
    rest.remove_prefix(end);
    if (!is_authority(head.authority)) {
      return "invalid authority in request target";
    }
  }
  const std::size_t mark = std::min(rest.find('?'), rest.size());
  head.path = mark == 0 ? std::string_view("/") : rest.substr(0, mark);
  head.query = rest.substr(mark);
  if (rest.empty() && head.method == "OPTIONS") {
    head.path = "*";  // what the absolute form of the asterisk form is (section 3.2.4)
  }
  return has_dot_segment(head.path) ? "dot segment in request target" : nullptr;
}

ParseResult parse_request_line(std::string_view line, const HttpLimits& limits, RequestHead& head) {
  const std::size_t first = line.find(' ');
  if (first == std::string_view::npos || !is_token(line.substr(0, first))) {
    return refuse_head(400, "invalid request line");
  }
  head.method = line.substr(0, first);
  const std::size_t second = line.find(' ', first + 1);
  if (second == std::string_view::npos) {
    return refuse_head(400, "invalid request line");
  }
  head.target = line.substr(first + 1, second - first - 1);
  if (head.target.size() > limits.target_bytes) {
    return refuse_head(414, "request target too long");
  }
  const int version = parse_http_version(line.substr(second + 1));
  if (version < 0) {
    return version == -2 ? refuse_head(505, "HTTP version not supported")
                         : refuse_head(400, "invalid HTTP version");
  }
  head.minor_version = version;
  if (head.method == "CONNECT") {
    return refuse_head(501, "CONNECT is not supported");
  }
  const char* wrong = split_target(head);
  return wrong != nullptr ? refuse_head(400, wrong) : ParseResult{.state = State::kDone};
}

ParseResult apply_host(const FieldSemantics& found, RequestHead& head) {
  if (found.host == nullptr) {
    return head.minor_version == 0 ? ParseResult{.state = State::kDone}
                                   : refuse_head(400, "missing Host");
  }
  if (!is_authority(found.host->value)) {
    return refuse_head(400, "invalid Host");
  }
  if (head.authority.empty()) {  // else the absolute form rules, and Host is ignored
    head.authority = found.host->value;
  }
  return {.state = State::kDone};
}

ParseResult apply_framing(const FieldSemantics& found, RequestHead& head) {
  if (found.transfer_encoding != nullptr) {
    if (found.content_length != nullptr) {
      return refuse_head(400, "Content-Length beside Transfer-Encoding");
    }
    if (head.minor_version == 0) {
      return refuse_head(400, "Transfer-Encoding in HTTP/1.0");
    }
    const std::string_view coding = found.transfer_encoding->value;
    if (!equals_ignoring_case(coding, "chunked")) {
      const std::size_t comma = coding.rfind(',');
      const bool last_chunked =
          comma != std::string_view::npos &&
          equals_ignoring_case(trim_whitespace(coding.substr(comma + 1)), "chunked") &&
          !list_has_token(coding.substr(0, comma), "chunked");
      return last_chunked ? refuse_head(501, "unsupported transfer coding")
                          : refuse_head(400, "invalid Transfer-Encoding");
    }
    head.framing = Framing::kChunked;
  } else if (found.content_length != nullptr) {
    const auto length = parse_content_length(found.content_length->value);
    if (!length) {
      return refuse_head(400, "invalid Content-Length");
    }
    head.content_length = *length;
    head.framing = head.content_length > 0 ? Framing::kLength : Framing::kNone;
  }
  return {.state = State::kDone};
}

}  // namespace

ParseResult RequestParser::parse(std::string_view buffer, RequestHead& head) {
  // One empty line before a request is taken (RFC 9112 section 2.2).
  const std::size_t skipped = buffer.starts_with("\r\n") ? 2 : 0;
  const std::string_view text = buffer.substr(skipped);
  if (!text.empty() && !is_token(text.substr(0, 1)) && text != "\r") {
    return refuse_head(400, "invalid request line");
  }
  const HeadScanner::State scanned = scanner_.scan(text);
  if (scanned == HeadScanner::State::kBareLineFeed) {
    return refuse_head(400, "line feed without carriage return");
  }
  const bool complete = scanned == HeadScanner::State::kDone;
  const std::size_t size = complete ? scanner_.head_bytes() : text.size();
  if (size > limits_.head_bytes) {
    const bool in_first_line =
        std::memchr(text.data(), '\n', std::min(size, limits_.head_bytes)) == nullptr;
    return in_first_line ? refuse_head(414, "request target too long")
                         : refuse_head(431, "request head too large");
  }
  if (!complete) {
    return {};
  }
  scanner_.reset();
  ParseResult result = parse_complete(text.substr(0, size), head);
  result.consumed = result.state == State::kDone ? skipped + size : 0;
  return result;
}

ParseResult RequestParser::parse_complete(std::string_view text, RequestHead& head) const {
  std::vector<Field> fields = std::move(head.fields);  // keeps its memory
  fields.clear();
  head = RequestHead{};
  head.fields = std::move(fields);
  text.remove_suffix(2);
  const std::string_view line = take_line(text);
  ParseResult result = parse_request_line(line, limits_, head);
  if (result.state != State::kDone) {
    return result;
  }
  if (const char* wrong = parse_fields(text, limits_.field_count, head.fields)) {
    return refuse_head(head.fields.size() >= limits_.field_count ? 431 : 400, wrong);
  }
  const FieldSemantics found = read_semantics(head.fields);
  if (found.duplicate) {
    return refuse_head(400, "Host, Content-Length or Transfer-Encoding more than once");
  }
  if (result = apply_host(found, head); result.state != State::kDone) {
    return result;
  }
  if (result = apply_framing(found, head); result.state != State::kDone) {
    return result;
  }
  if (found.expect_other) {
    return refuse_head(417, "unknown expectation");
  }
  head.expect_continue =
      found.expect_continue && head.minor_version == 1 && head.framing != Framing::kNone;
  head.upgrade = found.connection_upgrade && found.upgrade != nullptr && !found.upgrade_to_http &&
                 head.minor_version == 1;
  head.keep_alive = !found.close && (head.minor_version == 1 || found.keep_alive);
  return result;
}

}  // namespace duet::net
