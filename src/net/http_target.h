#pragma once

#include <string>
#include <string_view>

// The parts of a request's target (RFC 9110 section 7.1, RFC 3986).
namespace duet::net {

// Whether `text` is host[:port] as it may stand in Host: a name, an IPv4 address or an IPv6 address
// in brackets (RFC 3986 section 3.2.2).
bool is_authority(std::string_view text);

// Whether a segment of `path` is "." or "..", also percent-encoded (RFC 3986 sections 3.3 and
// 6.2.2.2): a route is chosen by the path as it stands, and a server would take it for another one.
bool has_dot_segment(std::string_view path);

// `text` with every byte but the unreserved ones (RFC 3986 section 2.3) as %XX.
std::string percent_encode(std::string_view text);

}  // namespace duet::net
