#pragma once

#include <string_view>

#include "net/http_head.h"
#include "net/http_message.h"

// Heads of requests. Besides what http_head.h says of all heads these are refused: an HTTP/1.1
// request without exactly one valid Host, targets with bytes outside visible ASCII, paths with dot
// segments.
namespace duet::net {

// Parses the heads of one connection's requests. Allocates nothing but what `head.fields` keeps
// between requests. Not thread-safe.
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

}  // namespace duet::net
