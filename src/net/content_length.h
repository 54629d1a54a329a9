#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace duet::net {

// The value of a Content-Length field (RFC 9110 section 8.6): 1*DIGIT of at most 18 digits, which
// every part of a message's way counts without overflow. Nothing: it is none, or larger.
// Thread-safe.
std::optional<std::uint64_t> parse_content_length(std::string_view text);

}  // namespace duet::net
