#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

// Base64 with the standard alphabet and padding (RFC 4648, section 4). Pure and thread-safe.
namespace duet {

std::string base64_encode(std::string_view bytes);

// Line breaks (CR, LF) between characters are skipped, everything else outside the alphabet,
// missing padding and bits set behind the last byte are kInvalid.
Result<std::string> base64_decode(std::string_view text);

}  // namespace duet
