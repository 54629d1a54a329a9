#include "net/http_fields.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace duet::net {
namespace {

void note_once(const Field*& slot, const Field& field, FieldSemantics& semantics) {
  semantics.duplicate |= slot != nullptr;
  slot = &field;
}

// Whether the list names a protocol that carries requests of its own: HTTP, or TLS, in which there
// is HTTP. Behind such an upgrade a client would speak with a server past all routes and limits.
bool names_http(std::string_view protocols) {
  constexpr std::string_view kFamilies[] = {"h2", "h2c", "h3", "HTTP", "TLS"};
  while (!protocols.empty()) {
    const std::size_t comma = std::min(protocols.find(','), protocols.size());
    const std::string_view protocol = trim_whitespace(protocols.substr(0, comma));
    const std::string_view family = protocol.substr(0, protocol.find('/'));
    if (std::any_of(std::begin(kFamilies), std::end(kFamilies),
                    [family](std::string_view one) { return equals_ignoring_case(family, one); })) {
      return true;
    }
    protocols.remove_prefix(std::min(comma + 1, protocols.size()));
  }
  return false;
}

}  // namespace

std::string_view trim_whitespace(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

std::string_view take_line(std::string_view& text) {
  const auto* end = static_cast<const char*>(std::memchr(text.data(), '\n', text.size()));
  const auto size = static_cast<std::size_t>(end - text.data());
  const std::string_view line = text.substr(0, size - 1);
  text.remove_prefix(size + 1);
  return line;
}

const char* parse_fields(std::string_view text, std::size_t count_limit, std::vector<Field>& out) {
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.front() == ' ' || line.front() == '\t') {
      return "folded header line";
    }
    const auto* colon = static_cast<const char*>(std::memchr(line.data(), ':', line.size()));
    if (colon == nullptr) {
      return "header line without a colon";
    }
    const std::string_view name = line.substr(0, static_cast<std::size_t>(colon - line.data()));
    const std::string_view value = trim_whitespace(line.substr(name.size() + 1));
    if (!is_token(name)) {
      return "invalid header name";
    }
    if (!is_field_value(value)) {
      return "invalid byte in a header value";
    }
    if (out.size() >= count_limit) {
      return "too many header fields";
    }
    out.push_back({name, value, field_id(name)});
  }
  return nullptr;
}

FieldSemantics read_semantics(const std::vector<Field>& fields) {
  FieldSemantics found;
  for (const Field& field : fields) {
    switch (field.id) {
      case FieldId::kContentLength:
        note_once(found.content_length, field, found);
        break;
      case FieldId::kTransferEncoding:
        note_once(found.transfer_encoding, field, found);
        break;
      case FieldId::kHost:
        note_once(found.host, field, found);
        break;
      case FieldId::kUpgrade:
        found.upgrade = &field;
        found.upgrade_to_http |= names_http(field.value);
        break;
      case FieldId::kConnection:
        found.close |= list_has_token(field.value, "close");
        found.keep_alive |= list_has_token(field.value, "keep-alive");
        found.connection_upgrade |= list_has_token(field.value, "upgrade");
        break;
      case FieldId::kExpect:
        (equals_ignoring_case(field.value, "100-continue") ? found.expect_continue
                                                           : found.expect_other) = true;
        break;
      default:
        break;
    }
  }
  return found;
}

}  // namespace duet::net
