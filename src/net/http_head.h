#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// Heads of HTTP/1.1 messages, strictly (RFC 9112), without input and output of their own: what
// those of requests and of responses have in common.
//
// What is refused though a lenient reader might take it, because two readers could disagree about
// it: bare LF or CR, white space before a colon, folded lines, control bytes, more than one
// Content-Length, Content-Length beside Transfer-Encoding, any Transfer-Encoding but a single
// "chunked", numbers with signs or too large. http_request_parser.h adds what only requests have.
namespace duet::net {

// What parsing a head came to.
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

// The kInvalid result that says to answer `status`; `reason` must be a constant. Thread-safe.
ParseResult refuse_head(int status, std::string_view reason);

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

// The minor version of "HTTP/1.x", 0 or 1 (higher ones are spoken as 1). -1: `text` is not HTTP at
// all; -2: another version. Thread-safe.
int parse_http_version(std::string_view text);

}  // namespace duet::net
