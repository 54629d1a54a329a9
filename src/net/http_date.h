#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace duet::net {

// Seconds since 1970 as IMF-fixdate (RFC 9110 section 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT".
// Thread-safe.
std::string format_http_date(std::int64_t seconds);

// Seconds since 1970 of a date in any of the three forms that HTTP has had. Nothing: it is none.
// `now_s` tells the century of the form with two digits. Pure.
std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t now_s);

}  // namespace duet::net
