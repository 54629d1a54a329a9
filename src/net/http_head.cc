#include "net/http_head.h"

#include <cstring>

namespace duet::net {

ParseResult refuse_head(int status, std::string_view reason) {
  return {.state = ParseResult::State::kInvalid, .status = status, .reason = reason};
}

HeadScanner::State HeadScanner::scan(std::string_view buffer) {
  while (scanned_ < buffer.size()) {
    const auto* found = static_cast<const char*>(
        std::memchr(buffer.data() + scanned_, '\n', buffer.size() - scanned_));
    if (found == nullptr) {
      scanned_ = buffer.size();
      return State::kIncomplete;
    }
    const auto at = static_cast<std::size_t>(found - buffer.data());
    if (at == line_start_ || buffer[at - 1] != '\r') {
      return State::kBareLineFeed;
    }
    scanned_ = at + 1;
    if (at - line_start_ == 1) {
      return State::kDone;
    }
    line_start_ = at + 1;
  }
  return State::kIncomplete;
}

int parse_http_version(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != 8 || !text.starts_with("HTTP/") || !digit(text[5]) || text[6] != '.' ||
      !digit(text[7])) {
    return -1;
  }
  if (text[5] != '1') {
    return -2;
  }
  return text[7] == '0' ? 0 : 1;
}

}  // namespace duet::net
