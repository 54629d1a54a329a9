#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "object/schema.h"

namespace duet::object {

// What is wrong with `text` as a `format`, for example "must be at most 63 characters"; nullopt
// when nothing is. Pure.
std::optional<std::string> format_problem(Format format, std::string_view text);
// The same for an integer where the format allows numbers (kPort, kPortOrName, kCountOrPercent).
std::optional<std::string> format_problem(Format format, int64_t number);

// A text from outside in quotes, shortened and with control characters escaped, for messages.
std::string quote(std::string_view text);

// Milliseconds of a Gateway API duration ("1h30m"); nullopt when it is none. Each of up to four
// parts is at most five digits and h, m, s or ms, so the sum always fits.
std::optional<int64_t> duration_ms(std::string_view text);

// The word of `words` that was most likely meant by `typed`; empty when none is near.
std::string_view nearest_word(std::string_view typed, const std::vector<std::string_view>& words);

}  // namespace duet::object
