// Any bytes as the answer of a server of HTTP/1.1, with its body: however they arrive they are read
// alike. The first byte says whether HEAD was asked.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/fuzz_input.h"
#include "base/require.h"
#include "net/http_body.h"
#include "net/http_response_parser.h"

using namespace duet;       // NOLINT
using namespace duet::net;  // NOLINT

namespace {

void check_head(const ResponseHead& head, bool to_head) {
  require(head.status >= 100 && head.status <= 599 && is_field_value(head.reason));
  for (const Field& field : head.fields) {
    require(is_token(field.name) && is_field_value(field.value));
  }
  const bool bodyless = to_head || head.status < 200 || head.status == 204 || head.status == 304;
  require(!bodyless || head.framing == Framing::kNone);
  require(head.framing != Framing::kUntilClose || !head.keep_alive);
}

// What is read from a connection up to the end of an answer, in words.
class Reader {
 public:
  explicit Reader(bool to_head) : to_head_(to_head) {}

  // False: no more can come of it.
  bool read(std::string_view piece) {
    buffer_ += piece;
    bool more = true;
    while (more) {
      more = in_body_ ? read_body() : read_head();
    }
    return !over_;
  }
  const std::string& said() const { return said_; }

 private:
  bool read_head() {
    const ParseResult result = parser_.parse(buffer_, to_head_, head_);
    if (result.state == ParseResult::State::kInvalid) {
      require(result.status == 502 && !result.reason.empty());
      return end("refused");
    }
    if (result.state == ParseResult::State::kIncomplete) {
      return false;
    }
    require(result.consumed > 0 && result.consumed <= buffer_.size());
    check_head(head_, to_head_);
    said_ += std::to_string(head_.status);
    for (const Field& field : head_.fields) {
      said_.append(field.name).append(": ").append(field.value).append("\n");
    }
    buffer_.erase(0, result.consumed);
    in_body_ = head_.status >= 200;
    body_ = BodyDecoder(head_.framing, head_.content_length, {});
    return true;
  }
  bool read_body() {
    const BodyDecoder::Step step = body_.next(buffer_);
    require(step.consumed <= buffer_.size() && step.data.size() <= step.consumed);
    said_ += step.data;
    buffer_.erase(0, step.consumed);
    if (step.state == BodyDecoder::State::kInvalid) {
      return end("bad body");
    }
    if (step.state == BodyDecoder::State::kEnd) {
      return end("|");
    }
    return step.state == BodyDecoder::State::kData;
  }
  bool end(std::string_view how) {
    said_ += how;
    over_ = true;
    return false;
  }

  bool to_head_;
  std::string buffer_;
  ResponseParser parser_{{}};
  ResponseHead head_;
  BodyDecoder body_;
  bool in_body_ = false;
  bool over_ = false;
  std::string said_;
};

std::string read_answer(std::string_view text, bool to_head, std::size_t piece) {
  Reader reader(to_head);
  for (std::size_t at = 0; at < text.size() && reader.read(text.substr(at, piece)); at += piece) {
  }
  return reader.said();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLimitBytes = 16 << 10;
  if (size < 2 || size > kLimitBytes) {
    return 0;
  }
  FuzzInput input(data, size);
  const bool to_head = input.number(2) == 1;
  const std::string_view text = input.rest();
  const std::string whole = read_answer(text, to_head, text.size());
  require(whole == read_answer(text, to_head, 1));
  require(whole == read_answer(text, to_head, 5));
  return 0;
}
