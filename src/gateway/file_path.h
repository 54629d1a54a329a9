#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace duet::gateway {

// The file that a request's path names, relative to the folder that is served: percent-encoded
// bytes decoded, no empty segment, none that is "." or "..", none that begins with a point but
// ".well-known" (RFC 8615), no NUL. "" is the folder itself; a '/' at the end stays. Nothing: the
// path names no file that is served. Pure.
std::optional<std::string> file_path(std::string_view request_path);

// The media type of a file by the end of its name; "application/octet-stream" for the rest.
std::string_view content_type_of(std::string_view path);

}  // namespace duet::gateway
