#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "net/http_message.h"

// The field lines of HTTP/1.1 heads and trailer sections (RFC 9112 section 5), and what those of a
// head say about its message. All functions are thread-safe.
namespace duet::net {

// `text` without the spaces and tabs at its ends (OWS of RFC 9110 section 5.6.3).
std::string_view trim_whitespace(std::string_view text);

// Removes the next line from `text` and returns it without its CRLF. `text` must have one, as
// HeadScanner has seen to.
std::string_view take_line(std::string_view& text);

// The fields of a trailer section or a head, each line with its CRLF, without the empty line.
// Nullptr: fine; else why not (a constant).
const char* parse_fields(std::string_view text, std::size_t count_limit, std::vector<Field>& out);

// What the fields of a head say about the body and the connection.
struct FieldSemantics {
  const Field* content_length = nullptr;
  const Field* transfer_encoding = nullptr;
  const Field* host = nullptr;
  const Field* upgrade = nullptr;
  bool duplicate = false;  // one of content_length, transfer_encoding and host stands twice
  bool close = false;
  bool keep_alive = false;
  bool connection_upgrade = false;
  bool upgrade_to_http = false;
  bool expect_continue = false;
  bool expect_other = false;
};

// What `fields`, which must stay where they are while the result is used, say together.
FieldSemantics read_semantics(const std::vector<Field>& fields);

}  // namespace duet::net
