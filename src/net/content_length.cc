#include "net/content_length.h"

#include <algorithm>
#include <charconv>

namespace duet::net {

std::optional<std::uint64_t> parse_content_length(std::string_view text) {
  constexpr std::size_t kDigitsLimit = 18;
  if (text.empty() || text.size() > kDigitsLimit ||
      !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace duet::net
