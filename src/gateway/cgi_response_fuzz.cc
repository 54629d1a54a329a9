// Any bytes as what a CGI program prints: in whatever pieces they come the same head is read and
// the same body begins; and the head is one that a client can be told.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/fuzz_input.h"
#include "base/require.h"
#include "gateway/cgi_response.h"

using namespace duet;           // NOLINT
using namespace duet::gateway;  // NOLINT

namespace {

constexpr std::size_t kHeadBytes = 1 << 10;

void check(const AnswerHead& head) {
  require(head.status >= 200 && head.status <= 599);
  require(head.framing == net::Framing::kLength || head.framing == net::Framing::kChunked);
  for (const net::Field& field : head.fields) {
    require(net::is_token(field.name) && net::is_field_value(field.value));
    require(field.id == net::field_id(field.name) && !net::is_hop_by_hop(field.id));
    require(field.id != net::FieldId::kContentLength && field.id != net::FieldId::kTrailer);
  }
}

// What is read when `piece` bytes come at a time, in words.
std::string read(std::string_view text, std::size_t piece) {
  CgiResponseHead head(kHeadBytes);
  for (std::size_t at = 0; at < text.size(); at += piece) {
    std::string_view data = text.substr(at, piece);
    const CgiResponseHead::State state = head.feed(data);
    if (state == CgiResponseHead::State::kBad) {
      require(!head.why().empty());
      return "bad";
    }
    if (state == CgiResponseHead::State::kMore) {
      require(data.empty());
      continue;
    }
    const AnswerHead& answer = head.answer();
    check(answer);
    std::string said = std::to_string(answer.status) + " " + std::to_string(answer.content_length);
    for (const net::Field& field : answer.fields) {
      said.append("\n").append(field.name).append(": ").append(field.value);
    }
    const std::size_t size = std::min(at + piece, text.size()) - data.size();
    return said.append("\n\n").append(text.substr(size));
  }
  return "more";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLimitBytes = 4 << 10;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (size == 0 || size > kLimitBytes) {
    return 0;
  }
  const std::string whole = read(text, size);
  require(whole == read(text, 1));
  require(whole == read(text, 6));
  return 0;
}
