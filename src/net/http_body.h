#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_message.h"

namespace duet::net {

// Whether a trailer section may carry the field (RFC 9110 section 6.5.1): not what frames, routes,
// authenticates, modifies the request or describes the content, what belongs to one connection, or
// what tells who asks. A server may read a trailer as if it had stood in the head.
bool may_trail(const Field& field);

// Takes a message's body apart as it arrives. Allocates only for trailers.
class BodyDecoder {
 public:
  enum class State : std::uint8_t {
    kNeedMore,  // all input was consumed
    kData,      // `data` is a piece of the body, a view into the input
    kEnd,       // the body is complete; what follows belongs to the next message
    kInvalid,   // not a valid chunked body: `reason` is a constant
  };
  struct Step {
    State state = State::kNeedMore;
    std::size_t consumed = 0;  // bytes of the input that are done with
    std::string_view data;
    std::string_view reason;
  };

  BodyDecoder() = default;  // no body
  BodyDecoder(Framing framing, std::uint64_t content_length, const HttpLimits& limits);

  // Call until it is not kData, each time with the input after what was consumed.
  Step next(std::string_view input);
  bool ended() const { return phase_ == Phase::kEnd; }
  // Whether the body ends with the connection.
  bool until_close() const { return phase_ == Phase::kUntilClose; }

  // Trailers, after kEnd, without those that a trailer must not carry (framing, routing and
  // connection fields).
  const std::vector<Field>& trailers() const { return trailers_; }

 private:
  enum class Phase : std::uint8_t {
    kEnd,
    kLength,
    kUntilClose,
    kSize,       // digits of a chunk size
    kExtension,  // after the digits, up to CR
    kSizeLineFeed,
    kChunk,
    kChunkReturn,
    kChunkLineFeed,
    kTrailer,  // lines up to the empty one
  };
  Step data(std::string_view input, Phase after);
  const char* chunk_byte(char c);
  const char* trailer_bytes(std::string_view input, std::size_t& used);
  const char* finish_trailers();

  Phase phase_ = Phase::kEnd;
  std::uint32_t size_digits_ = 0;
  bool extension_open_ = false;  // a ';' was seen
  bool blank_seen_ = false;      // white space after the digits: an extension must follow
  std::uint32_t extension_bytes_ = 0;
  std::uint64_t left_ = 0;
  HttpLimits limits_;
  std::string trailer_text_;
  std::vector<Field> trailers_;
};

}  // namespace duet::net
