#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "net/ip_address.h"

// The header by which a proxy says, before everything else on a connection, for whom it connected:
// HAProxy's "The PROXY protocol", versions 1 (text, section 2.1) and 2 (binary, section 2.2). For
// TCP.
namespace duet::net {

inline constexpr std::size_t kProxyV1Bytes = 107;  // a line with its CRLF
inline constexpr std::size_t kProxyV2Bytes = 16 + 0xffff;

struct ProxyHeader {
  enum class State : std::uint8_t {
    kIncomplete,  // all of the bytes belong to the header, and more must come
    kDone,
    kInvalid,
  };
  State state = State::kIncomplete;
  std::size_t size_bytes = 0;  // of the header, when it is done; what follows is the client's
  // Whose connection it is. Nothing: the proxy's own (LOCAL), or it does not say (UNKNOWN, another
  // family than IP).
  std::optional<IpAddress> source;
  std::string_view problem;  // what is wrong, a constant
};

// Reads a header from its start. Strict: what the specification does not allow is invalid, as early
// as the bytes show it. Type-length-value fields of version 2 are passed over. Pure.
ProxyHeader parse_proxy_header(std::string_view bytes);

}  // namespace duet::net
