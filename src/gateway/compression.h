#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/exchange.h"
#include "net/http_message.h"

// Which answers are compressed, and how their heads tell (RFC 9110 sections 8.4 and 12.5.3). All
// pure.
namespace duet::gateway {

inline constexpr std::uint64_t kLeastCompressedBytes = 1024;  // smaller bodies gain nothing

// Whether a request's Accept-Encoding (all of its lines) allows gzip, by name or by "*", with a
// quality that is not 0.
bool accepts_gzip(std::span<const net::Field> request_fields);

// Whether an answer with that head may be compressed at all: its status and type have a body of
// text, it is not encoded, not a part, large enough or of unknown length, and nobody says
// no-transform.
bool is_compressible(const AnswerHead& head);

// The head of a compressible answer. `compressed`: with gzip, its length unknown, its ETag weak.
// Either way Vary tells caches that it depends on Accept-Encoding. Fields are kept in `fields` and
// what is new in `text`.
AnswerHead head_of_compressible(const AnswerHead& head, bool compressed,
                                std::vector<net::Field>& fields, std::string& text);

}  // namespace duet::gateway
