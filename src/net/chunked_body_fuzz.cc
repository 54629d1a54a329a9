// Any bytes as a chunked body (RFC 9112 section 7.1): it is read as one who has it whole before him
// reads it, in whatever pieces it comes, and what stands behind it is left alone. And any bytes are
// the same again when they were cut into chunks.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fuzz_input.h"
#include "base/require.h"
#include "net/http_body.h"
#include "net/http_fields.h"

using namespace duet;       // NOLINT
using namespace duet::net;  // NOLINT

namespace {

struct Body {
  enum class End : std::uint8_t { kWhole, kCut, kInvalid };
  End end = End::kCut;
  std::string data;
  std::size_t size_bytes = 0;         // on the wire, when it is whole
  std::vector<std::string> trailers;  // when it is whole
  bool operator==(const Body&) const = default;
};

void add_trailers(const std::vector<Field>& fields, Body& body) {
  for (const Field& field : fields) {
    if (may_trail(field)) {
      body.trailers.push_back(std::string(field.name).append(":").append(field.value));
    }
  }
}

Body decode(std::string_view text, std::size_t piece) {
  Body body;
  BodyDecoder decoder(Framing::kChunked, 0, {});
  std::string buffer;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    buffer += text.substr(at, piece);
    for (auto state = BodyDecoder::State::kData; state == BodyDecoder::State::kData;) {
      const BodyDecoder::Step step = decoder.next(buffer);
      state = step.state;
      require(step.consumed <= buffer.size() && step.data.size() <= step.consumed);
      require(state == BodyDecoder::State::kData || step.data.empty());
      body.data += step.data;
      body.size_bytes += step.consumed;
      buffer.erase(0, step.consumed);
      if (state == BodyDecoder::State::kInvalid) {
        require(!step.reason.empty());
        return {.end = Body::End::kInvalid, .data = body.data};
      }
    }
    if (decoder.ended()) {
      body.end = Body::End::kWhole;
      add_trailers(decoder.trailers(), body);
      return body;
    }
  }
  body.size_bytes = 0;
  return body;
}

// A chunk's size from its line without CRLF: hexadecimal digits, and then nothing or an extension.
std::optional<std::uint64_t> read_size(std::string_view line, std::size_t& extension_bytes) {
  constexpr std::size_t kDigitsLimit = 16;
  constexpr std::size_t kExtensionBytesLimit = 1024;  // of the whole body
  const std::size_t digits =
      std::min(line.find_first_not_of("0123456789abcdefABCDEF"), line.size());
  std::uint64_t size = 0;
  const auto parsed = std::from_chars(line.data(), line.data() + digits, size, 16);
  const std::string_view extension = line.substr(digits);
  const std::size_t begin = extension.find_first_not_of(" \t");
  const bool extended = begin != std::string_view::npos && extension[begin] == ';';
  extension_bytes += extension.size();
  if (digits == 0 || digits > kDigitsLimit || parsed.ec != std::errc{} || size >> 60U != 0 ||
      extension_bytes > kExtensionBytesLimit || (!extension.empty() && !extended) ||
      !is_field_value(extension)) {
    return std::nullopt;
  }
  return size;
}

// The same by someone who has the whole text, which is long enough to say how it goes on.
Body read_plainly(std::string_view text) {
  Body body{.end = Body::End::kInvalid};
  std::size_t at = 0;
  std::size_t extension_bytes = 0;
  for (;;) {
    const std::size_t end = text.find('\r', at);
    if (end == std::string_view::npos || text.substr(end, 2) != "\r\n") {
      return body;
    }
    const auto size = read_size(text.substr(at, end - at), extension_bytes);
    at = end + 2;
    if (!size) {
      return body;
    }
    if (*size == 0) {
      break;
    }
    body.data += text.substr(at, *size);
    if (*size > text.size() - at || text.substr(at + *size, 2) != "\r\n") {
      return body;
    }
    at += *size + 2;
  }
  const std::size_t blank = text.find("\r\n\r\n", at);
  const bool has_trailers = text.substr(at, 2) != "\r\n";
  if (has_trailers && blank == std::string_view::npos) {
    return body;
  }
  const std::size_t end = has_trailers ? blank + 2 : at;
  std::vector<Field> trailers;
  const std::string_view lines = text.substr(at, end - at);
  // A line feed that is not the end of a line ends nothing.
  for (std::size_t feed = lines.find('\n'); feed != lines.npos; feed = lines.find('\n', feed + 1)) {
    if (feed == 0 || lines[feed - 1] != '\r') {
      return body;
    }
  }
  if (lines.size() + 2 > HttpLimits{}.trailer_bytes ||
      parse_fields(lines, HttpLimits{}.field_count, trailers) != nullptr) {
    return body;
  }
  body.end = Body::End::kWhole;
  body.size_bytes = end + 2;
  add_trailers(trailers, body);
  return body;
}

void check_reading(std::string_view text) {
  const Body whole = decode(text, text.size());
  require(whole == decode(text, 1));
  require(whole == decode(text, 3));
  if (whole.end == Body::End::kWhole) {
    require(whole == read_plainly(text));
    require(whole == decode(std::string(text.substr(0, whole.size_bytes)) + "GET / HTTP/1.1", 5));
  } else {
    require(read_plainly(text).end != Body::End::kWhole);
  }
}

// In chunks of `most` bytes at most.
void check_writing(std::string_view data, std::size_t most) {
  std::string text;
  for (std::string_view rest = data; !rest.empty();) {
    const std::string_view chunk = rest.substr(0, most);
    char digits[16];
    const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), chunk.size(), 16);
    text.append(digits, end).append("\r\n").append(chunk).append("\r\n");
    rest.remove_prefix(chunk.size());
  }
  text += "0\r\n\r\n";
  const Body body = decode(text, 11);
  require(body.end == Body::End::kWhole && body.data == data && body.size_bytes == text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLimitBytes = 16 << 10;
  if (size < 2 || size > kLimitBytes) {
    return 0;
  }
  FuzzInput input(data, size);
  const std::size_t most = 1 + input.number(256);
  check_reading(input.rest());
  check_writing(input.rest(), most);
  return 0;
}
