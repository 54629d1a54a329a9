#include "net/http_body.h"

#include <algorithm>

#include "net/http_fields.h"

namespace duet::net {
namespace {

constexpr std::uint64_t kChunkBytesLimit = std::uint64_t{1} << 60;
constexpr std::uint32_t kSizeDigitsLimit = 16;        // of one chunk, zeros at the front included
constexpr std::uint32_t kExtensionBytesLimit = 1024;  // of all chunks of a body together

int hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

bool may_trail(const Field& field) {
  static constexpr std::string_view kHeadOnly[] = {"accept-encoding",
                                                   "age",
                                                   "authorization",
                                                   "cache-control",
                                                   "content-encoding",
                                                   "content-range",
                                                   "content-type",
                                                   "cookie",
                                                   "expires",
                                                   "if-match",
                                                   "if-modified-since",
                                                   "if-none-match",
                                                   "if-range",
                                                   "location",
                                                   "max-forwards",
                                                   "pragma",
                                                   "range",
                                                   "retry-after",
                                                   "set-cookie",
                                                   "vary",
                                                   "warning",
                                                   "if-unmodified-since",
                                                   "www-authenticate"};
  switch (field.id) {
    case FieldId::kContentLength:
    case FieldId::kHost:
    case FieldId::kTrailer:
    case FieldId::kExpect:
    case FieldId::kDate:
    case FieldId::kForwarded:
    case FieldId::kXForwardedFor:
    case FieldId::kXForwardedProto:
    case FieldId::kXForwardedHost:
      return false;
    case FieldId::kOther:
      return std::none_of(
          std::begin(kHeadOnly), std::end(kHeadOnly),
          [&field](std::string_view name) { return equals_ignoring_case(field.name, name); });
    default:
      return !is_hop_by_hop(field.id);
  }
}

BodyDecoder::BodyDecoder(Framing framing, std::uint64_t content_length, const HttpLimits& limits)
    : left_(content_length), limits_(limits) {
  switch (framing) {
    case Framing::kNone:
      phase_ = Phase::kEnd;
      break;
    case Framing::kLength:
      phase_ = content_length > 0 ? Phase::kLength : Phase::kEnd;
      break;
    case Framing::kChunked:
      phase_ = Phase::kSize;
      left_ = 0;
      break;
    case Framing::kUntilClose:
      phase_ = Phase::kUntilClose;
      break;
  }
}

BodyDecoder::Step BodyDecoder::data(std::string_view input, Phase after) {
  const std::size_t size = std::min<std::uint64_t>(left_, input.size());
  left_ -= size;
  if (left_ == 0) {
    phase_ = after;
  }
  return {.state = State::kData, .consumed = size, .data = input.substr(0, size)};
}

// One byte of the lines around chunks. Nullptr: fine.
const char* BodyDecoder::chunk_byte(char c) {
  switch (phase_) {
    case Phase::kSize:
      if (const int digit = hex_digit(c); digit >= 0) {
        if (++size_digits_ > kSizeDigitsLimit || left_ >= kChunkBytesLimit / 16) {
          return "chunk too large";
        }
        left_ = left_ * 16 + static_cast<unsigned>(digit);
        return nullptr;
      }
      if (size_digits_ == 0) {
        return "invalid chunk size";
      }
      phase_ = Phase::kExtension;
      extension_open_ = false;
      blank_seen_ = false;
      [[fallthrough]];
    case Phase::kExtension:
      if (c == '\r') {
        phase_ = Phase::kSizeLineFeed;
        return blank_seen_ && !extension_open_ ? "invalid chunk size" : nullptr;
      }
      if (++extension_bytes_ > kExtensionBytesLimit) {
        return "chunk extensions too long";
      }
      if (c == ';') {
        extension_open_ = true;
        return nullptr;
      }
      if (!extension_open_ && (c == ' ' || c == '\t')) {
        blank_seen_ = true;
        return nullptr;
      }
      return extension_open_ && is_field_value({&c, 1}) ? nullptr : "invalid chunk size";
    case Phase::kSizeLineFeed:
      phase_ = left_ == 0 ? Phase::kTrailer : Phase::kChunk;
      size_digits_ = 0;
      return c == '\n' ? nullptr : "carriage return without line feed";
    case Phase::kChunkReturn:
      phase_ = Phase::kChunkLineFeed;
      return c == '\r' ? nullptr : "chunk longer than its size";
    case Phase::kChunkLineFeed:
      phase_ = Phase::kSize;
      return c == '\n' ? nullptr : "chunk longer than its size";
    default:
      return "invalid chunked body";
  }
}

// Collects trailer lines until the empty one; `used` says how many bytes belonged to it.
const char* BodyDecoder::trailer_bytes(std::string_view input, std::size_t& used) {
  used = 0;
  for (const char c : input) {
    ++used;
    trailer_text_ += c;
    if (trailer_text_.size() > limits_.trailer_bytes) {
      return "trailers too large";
    }
    if (c != '\n') {
      continue;
    }
    const std::size_t size = trailer_text_.size();
    if (size < 2 || trailer_text_[size - 2] != '\r') {
      return "line feed without carriage return";
    }
    if (size == 2 || trailer_text_[size - 3] == '\n') {
      phase_ = Phase::kEnd;
      return finish_trailers();
    }
  }
  return nullptr;
}

const char* BodyDecoder::finish_trailers() {
  const std::string_view text(trailer_text_.data(), trailer_text_.size() - 2);
  const char* wrong = parse_fields(text, limits_.field_count, trailers_);
  std::erase_if(trailers_, [](const Field& field) { return !may_trail(field); });
  return wrong;
}

BodyDecoder::Step BodyDecoder::next(std::string_view input) {
  std::size_t at = 0;
  while (true) {
    if (phase_ == Phase::kEnd) {
      return {.state = State::kEnd, .consumed = at};
    }
    const std::string_view rest = input.substr(at);
    if (rest.empty()) {
      return {.state = State::kNeedMore, .consumed = at};
    }
    if (phase_ == Phase::kUntilClose) {
      return {.state = State::kData, .consumed = at + rest.size(), .data = rest};
    }
    if (phase_ == Phase::kLength || phase_ == Phase::kChunk) {
      Step step = data(rest, phase_ == Phase::kLength ? Phase::kEnd : Phase::kChunkReturn);
      step.consumed += at;
      return step;
    }
    const char* wrong = nullptr;
    if (phase_ == Phase::kTrailer) {
      std::size_t used = 0;
      wrong = trailer_bytes(rest, used);
      at += used;
    } else {
      wrong = chunk_byte(rest.front());
      ++at;
    }
    if (wrong != nullptr) {
      return {.state = State::kInvalid, .consumed = at, .reason = wrong};
    }
  }
}

}  // namespace duet::net
