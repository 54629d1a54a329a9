// Any bytes as requests of HTTP/1.1: however they arrive they are read alike, and what is taken has
// nothing in it that another reader could read differently.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/require.h"
#include "net/http_body.h"
#include "net/http_request_parser.h"
#include "net/http_target.h"

using namespace duet;       // NOLINT
using namespace duet::net;  // NOLINT

namespace {

bool visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

void check_head(const RequestHead& head) {
  require(is_token(head.method) && visible(head.path) && visible(head.query));
  require(head.path.starts_with('/') || (head.path == "*" && head.method == "OPTIONS"));
  require(head.query.empty() || head.query.starts_with('?'));
  require(head.authority.empty() ? head.minor_version == 0 : is_authority(head.authority));
  require(!has_dot_segment(head.path));
  int lengths = 0;
  for (const Field& field : head.fields) {
    require(is_token(field.name) && is_field_value(field.value));
    require(field.id == field_id(field.name));
    lengths +=
        field.id == FieldId::kContentLength || field.id == FieldId::kTransferEncoding ? 1 : 0;
  }
  require(lengths <= 1);
  require(head.framing != Framing::kUntilClose && (head.framing == Framing::kNone || lengths == 1));
}

// The head as whoever passes it on writes it.
std::string rewritten(const RequestHead& head) {
  std::string text(head.method);
  text.append(" ").append(head.path).append(head.query);
  text.append(head.minor_version == 1 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
  if (!head.authority.empty()) {
    text.append("Host: ").append(head.authority).append("\r\n");
  }
  for (const Field& field : head.fields) {
    if (field.id != FieldId::kHost) {
      text.append(field.name).append(": ").append(field.value).append("\r\n");
    }
  }
  return text + "\r\n";
}

// A head that was passed on says what it said.
void check_rewritten(const RequestHead& head) {
  const std::string text = rewritten(head);
  RequestParser parser(HttpLimits{.head_bytes = 2 * HttpLimits{}.head_bytes});
  RequestHead again;
  const ParseResult result = parser.parse(text, again);
  require(result.state == ParseResult::State::kDone && result.consumed == text.size());
  require(again.method == head.method && again.path == head.path && again.query == head.query);
  require(again.authority == head.authority && again.minor_version == head.minor_version);
  require(again.framing == head.framing && again.content_length == head.content_length);
  require(again.keep_alive == head.keep_alive && again.upgrade == head.upgrade);
  require(rewritten(again) == text);
}

// What is read from a connection, in words.
class Reader {
 public:
  // False: no more can come of it.
  bool read(std::string_view piece) {
    buffer_ += piece;
    bool more = true;
    while (more) {
      more = in_body_ ? read_body() : read_head();
    }
    return !refused_;
  }
  const std::string& said() const { return said_; }

 private:
  bool read_head() {
    const ParseResult result = parser_.parse(buffer_, head_);
    if (result.state == ParseResult::State::kInvalid) {
      require(result.status >= 400 && result.status < 600 && !result.reason.empty());
      return refuse();
    }
    if (result.state == ParseResult::State::kIncomplete) {
      return false;
    }
    require(result.consumed > 0 && result.consumed <= buffer_.size());
    require(std::string_view(buffer_).substr(0, result.consumed).ends_with("\r\n\r\n"));
    check_head(head_);
    check_rewritten(head_);
    said_ += rewritten(head_);
    body_ = BodyDecoder(head_.framing, head_.content_length, {});
    in_body_ = true;
    buffer_.erase(0, result.consumed);
    return true;
  }
  bool read_body() {
    const BodyDecoder::Step step = body_.next(buffer_);
    require(step.consumed <= buffer_.size() && step.data.size() <= step.consumed);
    said_ += step.data;
    buffer_.erase(0, step.consumed);
    if (step.state == BodyDecoder::State::kInvalid) {
      return refuse();
    }
    if (step.state == BodyDecoder::State::kEnd) {
      in_body_ = false;
      for (const Field& field : body_.trailers()) {
        require(is_token(field.name) && is_field_value(field.value) && may_trail(field));
        said_.append(field.name).append(": ").append(field.value);
      }
      said_ += "\n--\n";
    }
    return step.state != BodyDecoder::State::kNeedMore;
  }
  bool refuse() {
    refused_ = true;
    said_ += "refused";
    return false;
  }

  std::string buffer_;
  RequestParser parser_{{}};
  RequestHead head_;
  BodyDecoder body_;
  bool in_body_ = false;
  bool refused_ = false;
  std::string said_;
};

std::string read_all(std::string_view text, std::size_t piece) {
  Reader reader;
  for (std::size_t at = 0; at < text.size() && reader.read(text.substr(at, piece)); at += piece) {
  }
  return reader.said();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLimitBytes = 16 << 10;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (size == 0 || size > kLimitBytes) {
    return 0;
  }
  const std::string whole = read_all(text, size);
  require(whole == read_all(text, 1));
  require(whole == read_all(text, 7));
  return 0;
}
