#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/http_message.h"

namespace duet::gateway {

// What is known of a representation.
struct FileVersion {
  std::string etag;  // with its quotes, strong
  std::int64_t modified_s = 0;
  std::uint64_t size_bytes = 0;
};

// A part of it, of one byte at least.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t size_bytes = 0;
  bool operator==(const ByteRange&) const = default;
};

// What a GET or HEAD is to be answered with.
struct FileAnswer {
  int status = 200;  // 200, 206, 304, 412 or 416
  ByteRange range;   // of 206
};

// Holds a request's preconditions (RFC 9110 section 13: If-Match, If-Unmodified-Since,
// If-None-Match, If-Modified-Since, If-Range, in the order of 13.2.2) and its Range (section 14.2)
// against what there is. A Range with several parts, or that cannot be read, is passed over, as the
// RFC allows: the whole is sent. `now_s`: seconds since 1970. Pure.
FileAnswer judge_request(std::string_view method, std::span<const net::Field> fields,
                         const FileVersion& version, std::int64_t now_s);

}  // namespace duet::gateway
