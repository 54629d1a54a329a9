#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/exchange.h"
#include "net/http_message.h"

// What requests to servers have in common, whatever version of HTTP carries them.
namespace duet::gateway {

inline constexpr std::string_view kVia = "1.1 duet";

// How long a request to a server may take.
struct UpstreamTimeouts {
  std::int64_t connect_ms = 2'000;
  std::int64_t idle_ms = 60'000;  // between bytes of the answer
  std::int64_t total_ms = 0;      // to the answer's end; 0: none
};

// Whether a request that is sent twice means no more than sent once (RFC 9110 section 9.2.2).
constexpr bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE" ||
         method == "PUT" || method == "DELETE";
}

// Appends the head of the request as HTTP/1.1 has it (RFC 9112 section 3), with the empty line at
// its end. Its target, authority and fields are taken as they are.
void write_request_head(const CallHead& head, std::string& out);
// Appends one line of a head or of trailers.
void write_field(const net::Field& field, std::string& out);

}  // namespace duet::gateway
