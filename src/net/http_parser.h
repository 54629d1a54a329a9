#pragma once

#include <cstddef>
#include <string_view>

#include "net/http_message.h"

// Heads of HTTP/1.1 messages, strictly (RFC 9112), without input and output of their own.
//
// What is refused though a lenient reader might take it, because two readers could disagree about
// it: bare LF or CR, white space before a colon, folded lines, control bytes, more than one
// Content-Length, Content-Length beside Transfer-Encoding, any Transfer-Encoding but a single
// "chunked", numbers with signs or too large, an HTTP/1.1 request without exactly one valid Host,
// targets with bytes outside visible ASCII, paths with dot segments.
namespace duet::net {

struct ParseResult {
  enum class State : std::uint8_t {
    kIncomplete,  // call again with more bytes after the same ones
    kDone,        // a whole head of `consumed` bytes
    kInvalid,     // answer `status` with `reason` and close
  };
  State state = State::kIncomplete;
  std::size_t consumed = 0;
  int status = 0;
  std::string_view reason;  // a constant
};

// Finds the empty line that ends a head, looking at each byte once however it arrives, and refuses
// bare LF on the way.
class HeadScanner {
 public:
  enum class State : std::uint8_t { kIncomplete, kDone, kBareLineFeed };
  // `buffer` is what scan() saw before plus what came since. The head's size is head_bytes().
  State scan(std::string_view buffer);
  std::size_t head_bytes() const { return scanned_; }
  void reset() { scanned_ = line_start_ = 0; }

 private:
  std::size_t scanned_ = 0;
  std::size_t line_start_ = 0;
};

// Parses the heads of one connection's requests. Allocates nothing but what `head.fields` keeps
// between requests.
class RequestParser {
 public:
  explicit RequestParser(const HttpLimits& limits) : limits_(limits) {}

  // `buffer` begins where the head begins. After kDone the parser is ready for the next head.
  ParseResult parse(std::string_view buffer, RequestHead& head);

 private:
  ParseResult parse_complete(std::string_view text, RequestHead& head) const;
  HttpLimits limits_;
  HeadScanner scanner_;
};

// Parses the heads of responses. An invalid one has status 502.
class ResponseParser {
 public:
  explicit ResponseParser(const HttpLimits& limits) : limits_(limits) {}

  // `to_head`: the response answers HEAD and has no body whatever its fields say.
  ParseResult parse(std::string_view buffer, bool to_head, ResponseHead& head);
  void reset() { scanner_.reset(); }

 private:
  HttpLimits limits_;
  HeadScanner scanner_;
};

// The fields of a trailer section or a head, each line with its CRLF, without the empty line.
// Nullptr: fine; else why not (a constant).
const char* parse_fields(std::string_view text, std::size_t count_limit, std::vector<Field>& out);

}  // namespace duet::net
