#include "net/http_message.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace duet::net {
namespace {

constexpr std::array<bool, 256> kTokenBytes = [] {
  std::array<bool, 256> table{};
  for (int c = 0; c < 256; ++c) {
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    table[c] = alnum || (c != 0 && std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) !=
                                       std::string_view::npos);
  }
  return table;
}();

constexpr std::array<bool, 256> kValueBytes = [] {
  std::array<bool, 256> table{};
  for (int c = 0; c < 256; ++c) {
    table[c] = c == '\t' || (c >= 0x20 && c != 0x7f);
  }
  return table;
}();

struct KnownField {
  std::string_view name;
  FieldId id;
};

constexpr KnownField kKnownFields[] = {
    {"te", FieldId::kTe},
    {"via", FieldId::kVia},
    {"host", FieldId::kHost},
    {"date", FieldId::kDate},
    {"accept", FieldId::kAccept},
    {"expect", FieldId::kExpect},
    {"server", FieldId::kServer},
    {"upgrade", FieldId::kUpgrade},
    {"trailer", FieldId::kTrailer},
    {"forwarded", FieldId::kForwarded},
    {"connection", FieldId::kConnection},
    {"keep-alive", FieldId::kKeepAlive},
    {"content-length", FieldId::kContentLength},
    {"x-forwarded-for", FieldId::kXForwardedFor},
    {"x-forwarded-host", FieldId::kXForwardedHost},
    {"proxy-connection", FieldId::kProxyConnection},
    {"x-forwarded-proto", FieldId::kXForwardedProto},
    {"transfer-encoding", FieldId::kTransferEncoding},
    {"proxy-authenticate", FieldId::kProxyAuthenticate},
    {"proxy-authorization", FieldId::kProxyAuthorization},
};

constexpr std::size_t kLongestKnown = 19;

// For each length the known fields of it, so that most names are compared with none or one.
constexpr std::array<std::pair<std::uint8_t, std::uint8_t>, kLongestKnown + 1> kByLength = [] {
  std::array<std::pair<std::uint8_t, std::uint8_t>, kLongestKnown + 1> table{};
  for (std::size_t i = std::size(kKnownFields); i-- > 0;) {
    auto& [first, count] = table[kKnownFields[i].name.size()];
    first = static_cast<std::uint8_t>(i);
    ++count;
  }
  return table;
}();

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

template <typename Head>
const Field* find_field(const Head& head, FieldId id) {
  for (const Field& field : head.fields) {
    if (field.id == id) {
      return &field;
    }
  }
  return nullptr;
}

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) {
      return false;
    }
  }
  return true;
}

FieldId field_id(std::string_view name) {
  if (name.size() > kLongestKnown) {
    return FieldId::kOther;
  }
  const auto [first, count] = kByLength[name.size()];
  for (std::size_t i = first; i < std::size_t{first} + count; ++i) {
    if (equals_ignoring_case(name, kKnownFields[i].name)) {
      return kKnownFields[i].id;
    }
  }
  return FieldId::kOther;
}

const Field* RequestHead::find(FieldId id) const { return find_field(*this, id); }

const Field* RequestHead::find(std::string_view name) const {
  for (const Field& field : fields) {
    if (equals_ignoring_case(field.name, name)) {
      return &field;
    }
  }
  return nullptr;
}

const Field* ResponseHead::find(FieldId id) const { return find_field(*this, id); }

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return kTokenBytes[static_cast<unsigned char>(c)];
  });
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return kValueBytes[static_cast<unsigned char>(c)]; });
}

bool list_has_token(std::string_view value, std::string_view token) {
  while (!value.empty()) {
    const std::size_t comma = value.find(',');
    std::string_view item = value.substr(0, comma);
    value = comma == std::string_view::npos ? std::string_view{} : value.substr(comma + 1);
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) {
      item.remove_prefix(1);
    }
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) {
      item.remove_suffix(1);
    }
    if (equals_ignoring_case(item, token)) {
      return true;
    }
  }
  return false;
}

bool is_hop_by_hop(FieldId id) {
  switch (id) {
    case FieldId::kConnection:
    case FieldId::kKeepAlive:
    case FieldId::kProxyConnection:
    case FieldId::kProxyAuthenticate:
    case FieldId::kProxyAuthorization:
    case FieldId::kTe:
    case FieldId::kTransferEncoding:
    case FieldId::kUpgrade:
      return true;
    default:
      return false;
  }
}

std::string_view status_reason(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 103:
      return "Early Hints";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 203:
      return "Non-Authoritative Information";
    case 204:
      return "No Content";
    case 205:
      return "Reset Content";
    case 206:
      return "Partial Content";
    case 300:
      return "Multiple Choices";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

}  // namespace duet::net
