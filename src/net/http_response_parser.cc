#include "net/http_response_parser.h"

#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "net/content_length.h"
#include "net/http_fields.h"

namespace duet::net {
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
  const int version = parse_http_version(line.substr(0, 8));
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
const char* apply_response_framing(const FieldSemantics& found, bool to_head, ResponseHead& head) {
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
    const auto length = parse_content_length(found.content_length->value);
    if (!length) {
      return "invalid Content-Length";
    }
    head.content_length = *length;
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
    return refuse_head(502, "line feed without carriage return");
  }
  const bool complete = scanned == HeadScanner::State::kDone;
  const std::size_t size = complete ? scanner_.head_bytes() : buffer.size();
  if (size > limits_.head_bytes) {
    return refuse_head(502, "response head too large");
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
    return refuse_head(502, "invalid status line");
  }
  if (const char* wrong = parse_fields(text, limits_.field_count, head.fields)) {
    return refuse_head(502, wrong);
  }
  const FieldSemantics found = read_semantics(head.fields);
  if (found.duplicate) {
    return refuse_head(502, "Content-Length or Transfer-Encoding more than once");
  }
  if (const char* wrong = apply_response_framing(found, to_head, head)) {
    return refuse_head(502, wrong);
  }
  // Who announces a body where none may be may send one too (RFC 9110 section 8.6).
  const bool doubtful = (head.status < 200 || head.status == 204) &&
                        (found.transfer_encoding != nullptr || head.content_length > 0);
  head.keep_alive = !found.close && !doubtful && head.framing != Framing::kUntilClose &&
                    (head.minor_version == 1 || found.keep_alive);
  return {.state = ParseResult::State::kDone, .consumed = size};
}

}  // namespace duet::net
