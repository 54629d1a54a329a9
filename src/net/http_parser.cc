#include "net/http_parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

#include "net/content_length.h"
#include "net/http_target.h"

namespace duet::net {
namespace {

using State = ParseResult::State;

ParseResult refuse(int status, std::string_view reason) {
  return {.state = State::kInvalid, .status = status, .reason = reason};
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

// The next line without its CRLF; HeadScanner has seen to it that there is one.
std::string_view take_line(std::string_view& text) {
  const auto* end = static_cast<const char*>(std::memchr(text.data(), '\n', text.size()));
  const auto size = static_cast<std::size_t>(end - text.data());
  const std::string_view line = text.substr(0, size - 1);
  text.remove_prefix(size + 1);
  return line;
}

bool is_target(std::string_view target) {
  return std::all_of(target.begin(), target.end(),
                     [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

// What the fields say about the body and the connection.
struct Semantics {
  const Field* content_length = nullptr;
  const Field* transfer_encoding = nullptr;
  const Field* host = nullptr;
  const Field* upgrade = nullptr;
  bool duplicate = false;  // one of content_length, transfer_encoding and host stands twice
  bool close = false;
  bool keep_alive = false;
  bool connection_upgrade = false;
  bool upgrade_to_http = false;
  bool expect_continue = false;
  bool expect_other = false;
};

void note_once(const Field*& slot, const Field& field, Semantics& semantics) {
  semantics.duplicate |= slot != nullptr;
  slot = &field;
}

// Whether the list names a protocol that carries requests of its own: HTTP, or TLS, in which there
// is HTTP. Behind such an upgrade a client would speak with a server past all routes and limits.
bool names_http(std::string_view protocols) {
  constexpr std::string_view kFamilies[] = {"h2", "h2c", "h3", "HTTP", "TLS"};
  while (!protocols.empty()) {
    const std::size_t comma = std::min(protocols.find(','), protocols.size());
    const std::string_view protocol = trim(protocols.substr(0, comma));
    const std::string_view family = protocol.substr(0, protocol.find('/'));
    if (std::any_of(std::begin(kFamilies), std::end(kFamilies),
                    [family](std::string_view one) { return equals_ignoring_case(family, one); })) {
      return true;
    }
    protocols.remove_prefix(std::min(comma + 1, protocols.size()));
  }
  return false;
}

Semantics read_semantics(const std::vector<Field>& fields) {
  Semantics found;
  for (const Field& field : fields) {
    switch (field.id) {
      case FieldId::kContentLength:
        note_once(found.content_length, field, found);
        break;
      case FieldId::kTransferEncoding:
        note_once(found.transfer_encoding, field, found);
        break;
      case FieldId::kHost:
        note_once(found.host, field, found);
        break;
      case FieldId::kUpgrade:
        found.upgrade = &field;
        found.upgrade_to_http |= names_http(field.value);
        break;
      case FieldId::kConnection:
        found.close |= list_has_token(field.value, "close");
        found.keep_alive |= list_has_token(field.value, "keep-alive");
        found.connection_upgrade |= list_has_token(field.value, "upgrade");
        break;
      case FieldId::kExpect:
        (equals_ignoring_case(field.value, "100-continue") ? found.expect_continue
                                                           : found.expect_other) = true;
        break;
      default:
        break;
    }
  }
  return found;
}

bool take_length(const Field& field, std::uint64_t& length) {
  const auto read = parse_content_length(field.value);
  length = read.value_or(0);
  return read.has_value();
}

// "HTTP/1.x": the minor version 0 or 1 (higher ones are spoken as 1). -1: not HTTP at all; -2:
// another version.
int parse_version(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != 8 || !text.starts_with("HTTP/") || !digit(text[5]) || text[6] != '.' ||
      !digit(text[7])) {
    return -1;
  }
  if (text[5] != '1') {
    return -2;
  }
  return text[7] == '0' ? 0 : 1;
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
    return refuse(400, "invalid request line");
  }
  head.method = line.substr(0, first);
  const std::size_t second = line.find(' ', first + 1);
  if (second == std::string_view::npos) {
    return refuse(400, "invalid request line");
  }
  head.target = line.substr(first + 1, second - first - 1);
  if (head.target.size() > limits.target_bytes) {
    return refuse(414, "request target too long");
  }
  const int version = parse_version(line.substr(second + 1));
  if (version < 0) {
    return version == -2 ? refuse(505, "HTTP version not supported")
                         : refuse(400, "invalid HTTP version");
  }
  head.minor_version = version;
  if (head.method == "CONNECT") {
    return refuse(501, "CONNECT is not supported");
  }
  const char* wrong = split_target(head);
  return wrong != nullptr ? refuse(400, wrong) : ParseResult{.state = State::kDone};
}

ParseResult apply_host(const Semantics& found, RequestHead& head) {
  if (found.host == nullptr) {
    return head.minor_version == 0 ? ParseResult{.state = State::kDone}
                                   : refuse(400, "missing Host");
  }
  if (!is_authority(found.host->value)) {
    return refuse(400, "invalid Host");
  }
  if (head.authority.empty()) {  // else the absolute form rules, and Host is ignored
    head.authority = found.host->value;
  }
  return {.state = State::kDone};
}

ParseResult apply_framing(const Semantics& found, RequestHead& head) {
  if (found.transfer_encoding != nullptr) {
    if (found.content_length != nullptr) {
      return refuse(400, "Content-Length beside Transfer-Encoding");
    }
    if (head.minor_version == 0) {
      return refuse(400, "Transfer-Encoding in HTTP/1.0");
    }
    const std::string_view coding = found.transfer_encoding->value;
    if (!equals_ignoring_case(coding, "chunked")) {
      const std::size_t comma = coding.rfind(',');
      const bool last_chunked = comma != std::string_view::npos &&
                                equals_ignoring_case(trim(coding.substr(comma + 1)), "chunked") &&
                                !list_has_token(coding.substr(0, comma), "chunked");
      return last_chunked ? refuse(501, "unsupported transfer coding")
                          : refuse(400, "invalid Transfer-Encoding");
    }
    head.framing = Framing::kChunked;
  } else if (found.content_length != nullptr) {
    if (!take_length(*found.content_length, head.content_length)) {
      return refuse(400, "invalid Content-Length");
    }
    head.framing = head.content_length > 0 ? Framing::kLength : Framing::kNone;
  }
  return {.state = State::kDone};
}

}  // namespace

HeadScanner::State HeadScanner::scan(std::string_view buffer) {
  while (scanned_ < buffer.size()) {
    const auto* found = static_cast<const char*>(
        std::memchr(buffer.data() + scanned_, '\n', buffer.size() - scanned_));
    if (found == nullptr) {
      scanned_ = buffer.size();
      return State::kIncomplete;
    }
    const auto at = static_cast<std::size_t>(found - buffer.data());
    if (at == line_start_ || buffer[at - 1] != '\r') {
      return State::kBareLineFeed;
    }
    scanned_ = at + 1;
    if (at - line_start_ == 1) {
      return State::kDone;
    }
    line_start_ = at + 1;
  }
  return State::kIncomplete;
}

const char* parse_fields(std::string_view text, std::size_t count_limit, std::vector<Field>& out) {
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.front() == ' ' || line.front() == '\t') {
      return "folded header line";
    }
    const auto* colon = static_cast<const char*>(std::memchr(line.data(), ':', line.size()));
    if (colon == nullptr) {
      return "header line without a colon";
    }
    const std::string_view name = line.substr(0, static_cast<std::size_t>(colon - line.data()));
    const std::string_view value = trim(line.substr(name.size() + 1));
    if (!is_token(name)) {
      return "invalid header name";
    }
    if (!is_field_value(value)) {
      return "invalid byte in a header value";
    }
    if (out.size() >= count_limit) {
      return "too many header fields";
    }
    out.push_back({name, value, field_id(name)});
  }
  return nullptr;
}

ParseResult RequestParser::parse(std::string_view buffer, RequestHead& head) {
  // One empty line before a request is taken (RFC 9112 section 2.2).
  const std::size_t skipped = buffer.starts_with("\r\n") ? 2 : 0;
  const std::string_view text = buffer.substr(skipped);
  if (!text.empty() && !is_token(text.substr(0, 1)) && text != "\r") {
    return refuse(400, "invalid request line");
  }
  const HeadScanner::State scanned = scanner_.scan(text);
  if (scanned == HeadScanner::State::kBareLineFeed) {
    return refuse(400, "line feed without carriage return");
  }
  const bool complete = scanned == HeadScanner::State::kDone;
  const std::size_t size = complete ? scanner_.head_bytes() : text.size();
  if (size > limits_.head_bytes) {
    const bool in_first_line =
        std::memchr(text.data(), '\n', std::min(size, limits_.head_bytes)) == nullptr;
    return in_first_line ? refuse(414, "request target too long")
                         : refuse(431, "request head too large");
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
    return refuse(head.fields.size() >= limits_.field_count ? 431 : 400, wrong);
  }
  const Semantics found = read_semantics(head.fields);
  if (found.duplicate) {
    return refuse(400, "Host, Content-Length or Transfer-Encoding more than once");
  }
  if (result = apply_host(found, head); result.state != State::kDone) {
    return result;
  }
  if (result = apply_framing(found, head); result.state != State::kDone) {
    return result;
  }
  if (found.expect_other) {
    return refuse(417, "unknown expectation");
  }
  head.expect_continue =
      found.expect_continue && head.minor_version == 1 && head.framing != Framing::kNone;
  head.upgrade = found.connection_upgrade && found.upgrade != nullptr && !found.upgrade_to_http &&
                 head.minor_version == 1;
  head.keep_alive = !found.close && (head.minor_version == 1 || found.keep_alive);
  return result;
}

namespace {

// Three digits (RFC 9112 section 4) that mean something: 100 to 599.
std::optional<int> parse_status(std::string_view text) {
  int status = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
  const bool read = error == std::errc() && end == text.data() + text.size();
  return read && status >= 100 && status <= 599 ? std::optional(status) : std::nullopt;
}

bool parse_status_line(std::string_view line, ResponseHead& head) {
  constexpr std::size_t kShortest = 12;  // HTTP/1.1 200
  if (line.size() < kShortest) {
    return false;
  }
  const int version = parse_version(line.substr(0, 8));
  const std::optional<int> status = parse_status(line.substr(9, 3));
  if (version < 0 || line[8] != ' ' || !status ||
      (line.size() > kShortest && line[kShortest] != ' ')) {
    return false;
  }
  head.minor_version = version;
  head.status = *status;
  head.reason = line.size() > kShortest ? line.substr(kShortest + 1) : std::string_view{};
  return is_field_value(head.reason);
}

// RFC 9112 section 6.3, with everything ambiguous refused. Nullptr: fine.
const char* apply_response_framing(const Semantics& found, bool to_head, ResponseHead& head) {
  if (found.transfer_encoding != nullptr) {
    if (found.content_length != nullptr) {
      return "Content-Length beside Transfer-Encoding";
    }
    if (!equals_ignoring_case(found.transfer_encoding->value, "chunked") ||
        head.minor_version == 0) {
      return "unsupported Transfer-Encoding";
    }
    head.framing = Framing::kChunked;
  } else if (found.content_length != nullptr) {
    if (!take_length(*found.content_length, head.content_length)) {
      return "invalid Content-Length";
    }
    head.framing = head.content_length > 0 ? Framing::kLength : Framing::kNone;
  } else {
    head.framing = Framing::kUntilClose;
  }
  if (to_head || head.status < 200 || head.status == 204 || head.status == 304) {
    head.framing = Framing::kNone;
  }
  return nullptr;
}

}  // namespace

ParseResult ResponseParser::parse(std::string_view buffer, bool to_head, ResponseHead& head) {
  const HeadScanner::State scanned = scanner_.scan(buffer);
  if (scanned == HeadScanner::State::kBareLineFeed) {
    return refuse(502, "line feed without carriage return");
  }
  const bool complete = scanned == HeadScanner::State::kDone;
  const std::size_t size = complete ? scanner_.head_bytes() : buffer.size();
  if (size > limits_.head_bytes) {
    return refuse(502, "response head too large");
  }
  if (!complete) {
    return {};
  }
  scanner_.reset();
  std::vector<Field> fields = std::move(head.fields);
  fields.clear();
  head = ResponseHead{};
  head.fields = std::move(fields);
  std::string_view text = buffer.substr(0, size - 2);
  if (text.empty() || !parse_status_line(take_line(text), head)) {
    return refuse(502, "invalid status line");
  }
  if (const char* wrong = parse_fields(text, limits_.field_count, head.fields)) {
    return refuse(502, wrong);
  }
  const Semantics found = read_semantics(head.fields);
  if (found.duplicate) {
    return refuse(502, "Content-Length or Transfer-Encoding more than once");
  }
  if (const char* wrong = apply_response_framing(found, to_head, head)) {
    return refuse(502, wrong);
  }
  // Who announces a body where none may be may send one too (RFC 9110 section 8.6).
  const bool doubtful = (head.status < 200 || head.status == 204) &&
                        (found.transfer_encoding != nullptr || head.content_length > 0);
  head.keep_alive = !found.close && !doubtful && head.framing != Framing::kUntilClose &&
                    (head.minor_version == 1 || found.keep_alive);
  return {.state = State::kDone, .consumed = size};
}

}  // namespace duet::net
