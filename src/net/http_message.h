#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// The parts of HTTP messages that parser, writer, client and server share (RFC 9110, RFC 9112).
namespace duet::net {

// Header fields that the codec or a proxy treats specially. Everything else is kOther.
enum class FieldId : std::uint8_t {
  kOther,
  kConnection,
  kContentLength,
  kTransferEncoding,
  kHost,
  kExpect,
  kUpgrade,
  kKeepAlive,
  kProxyConnection,
  kProxyAuthenticate,
  kProxyAuthorization,
  kTe,
  kTrailer,
  kDate,
  kServer,
  kVia,
  kForwarded,
  kXForwardedFor,
  kXForwardedProto,
  kXForwardedHost,
  kAccept,
};

// The id of a field name, in any case.
FieldId field_id(std::string_view name);

// Whether two names are the same but for ASCII case.
bool equals_ignoring_case(std::string_view a, std::string_view b);

struct Field {
  std::string_view name;
  std::string_view value;
  FieldId id = FieldId::kOther;
};

// How long a message's body is.
enum class Framing : std::uint8_t {
  kNone,        // no body
  kLength,      // content_length bytes
  kChunked,     // Transfer-Encoding: chunked
  kUntilClose,  // responses only: to the end of the connection
};

// Bounds of what a peer may send before its body.
struct HttpLimits {
  std::size_t head_bytes = 32 << 10;    // start line and fields; 431 past it
  std::size_t target_bytes = 8 << 10;   // request target; 414 past it
  std::size_t field_count = 100;        // 431 past it
  std::size_t trailer_bytes = 8 << 10;  // trailer section of a chunked body
};

// Views into the buffer that was parsed.
struct RequestHead {
  std::string_view method;
  std::string_view target;  // as sent
  std::string_view
      authority;           // host[:port] of the absolute form or of Host; empty only for HTTP/1.0
  std::string_view path;   // begins with '/', without the query; "*" for OPTIONS *
  std::string_view query;  // with its '?', or empty
  int minor_version = 1;
  Framing framing = Framing::kNone;
  std::uint64_t content_length = 0;
  bool keep_alive = true;
  bool expect_continue = false;
  // Connection: upgrade together with an Upgrade field, and not to a protocol with requests of its
  // own.
  bool upgrade = false;
  std::vector<Field> fields;

  const Field* find(FieldId id) const;
  const Field* find(std::string_view name) const;
};

struct ResponseHead {
  int status = 0;
  std::string_view reason;
  int minor_version = 1;
  Framing framing = Framing::kNone;
  std::uint64_t content_length = 0;
  bool keep_alive = true;
  std::vector<Field> fields;

  const Field* find(FieldId id) const;
};

// The reason phrase of RFC 9110 for `status`, or "Unknown".
std::string_view status_reason(int status);

// tchar of RFC 9110: what methods and field names are made of.
bool is_token(std::string_view text);
// Bytes that may stand in a field value: no control but tab.
bool is_field_value(std::string_view text);
// Whether the comma-separated list `value` has `token`, in any case.
bool list_has_token(std::string_view value, std::string_view token);
// Fields that belong to one connection and are never forwarded (RFC 9110 section 7.6.1).
bool is_hop_by_hop(FieldId id);

}  // namespace duet::net
