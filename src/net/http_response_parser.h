#pragma once

#include <string_view>

#include "net/http_head.h"
#include "net/http_message.h"

namespace duet::net {

// Parses the heads of responses, as strictly as http_head.h says. An invalid one has status 502.
// Not thread-safe.
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

}  // namespace duet::net
