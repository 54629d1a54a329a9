#include "gateway/cgi_request.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace duet::gateway {
namespace {

constexpr std::string_view kFieldPrefix = "HTTP_";

// Variables that are the gateway's to say, also when a request has none of them.
constexpr std::string_view kMetaVariables[] = {
    "AUTH_TYPE",       "CONTENT_LENGTH",  "CONTENT_TYPE",    "GATEWAY_INTERFACE", "HTTPS",
    "PATH_INFO",       "PATH_TRANSLATED", "QUERY_STRING",    "REMOTE_ADDR",       "REMOTE_HOST",
    "REMOTE_IDENT",    "REMOTE_USER",     "REQUEST_METHOD",  "REQUEST_URI",       "SCRIPT_NAME",
    "SERVER_NAME",     "SERVER_PORT",     "SERVER_PROTOCOL", "SERVER_SOFTWARE",   "X_FULL_URL",
    "X_MATCHED_ROUTE", "X_RAW_PATH_INFO"};

// Fields that do not become HTTP_...: they have a variable of their own, or must not be seen.
constexpr std::string_view kHiddenFields[] = {"content-length", "content-type", "host", "proxy",
                                              "proxy-authorization"};

bool is_meta(std::string_view name) {
  return std::find(std::begin(kMetaVariables), std::end(kMetaVariables), name) !=
         std::end(kMetaVariables);
}

// Names with other characters could stand for the same variable as another field's.
bool is_plain(std::string_view field) {
  return std::all_of(field.begin(), field.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

char variable_char(char c) {
  if (c == '-') {
    return '_';
  }
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// `path` without its escapes; nothing: one is cut off, or stands for a zero byte.
std::optional<std::string> decoded(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      out += path[i];
      continue;
    }
    const int high = i + 2 < path.size() ? hex_digit(path[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(path[i + 2]) : -1;
    if (low < 0 || high * 16 + low == 0) {
      return std::nullopt;
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

// Whether the rule's path is that of the target, or a prefix of whole segments.
bool leads(std::string_view route, std::string_view path) {
  return path.starts_with(route) && (path.size() == route.size() || path[route.size()] == '/');
}

struct Authority {
  std::string_view host;  // an IPv6 address in brackets
  std::string_view port;
};

Authority split_authority(std::string_view authority, std::string_view scheme) {
  Authority out{authority, scheme == "https" ? "443" : "80"};
  const std::size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
    out.host = authority.substr(0, colon);
    if (colon + 1 < authority.size()) {
      out.port = authority.substr(colon + 1);
    }
  }
  return out;
}

class Block {
 public:
  explicit Block(std::string& text) : text_(text) {}
  template <typename... Parts>
  void set(std::string_view name, const Parts&... value) {
    text_.append(name).append(1, '=');
    (text_.append(value), ...);
    text_.append(1, '\0');
  }

 private:
  std::string& text_;
};

// The values of all fields called as the one at `first`, as one (RFC 9110, section 5.3; cookies
// have a separator of their own, RFC 9113, section 8.2.3).
void append_values(std::span<const net::Field> fields, std::size_t first, std::string& out) {
  const std::string_view name = fields[first].name;
  const std::string_view separator = net::equals_ignoring_case(name, "cookie") ? "; " : ", ";
  out.append(fields[first].value);
  for (const net::Field& field : fields.subspan(first + 1)) {
    if (net::equals_ignoring_case(field.name, name)) {
      out.append(separator).append(field.value);
    }
  }
}

bool is_first(std::span<const net::Field> fields, std::size_t index) {
  return std::none_of(fields.begin(), fields.begin() + static_cast<std::ptrdiff_t>(index),
                      [&](const net::Field& earlier) {
                        return net::equals_ignoring_case(earlier.name, fields[index].name);
                      });
}

void add_body(const CallHead& head, Block& block) {
  const auto type = std::find_if(head.fields.begin(), head.fields.end(), [](const auto& field) {
    return net::equals_ignoring_case(field.name, "content-type");
  });
  if (type != head.fields.end()) {
    block.set("CONTENT_TYPE", type->value);
  }
  if (head.framing == net::Framing::kLength) {
    char digits[20];
    const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), head.content_length);
    block.set("CONTENT_LENGTH", std::string_view(digits, static_cast<std::size_t>(end - digits)));
  }
}

void add_server(const CallHead& head, Block& block) {
  const std::string_view whole = head.authority.empty() ? "localhost" : head.authority;
  const Authority authority = split_authority(whole, head.scheme);
  block.set("GATEWAY_INTERFACE", "CGI/1.1");
  block.set("SERVER_NAME", authority.host);
  block.set("SERVER_PORT", authority.port);
  block.set("SERVER_PROTOCOL", "HTTP/1.1");
  block.set("SERVER_SOFTWARE", "duet");
  block.set("REQUEST_METHOD", head.method);
  block.set("REQUEST_URI", head.target);
  block.set("X_FULL_URL", head.scheme, "://", whole, head.target);
  if (head.scheme == "https") {
    block.set("HTTPS", "on");
  }
  // A handler of this node that asks has no address.
  const std::string_view client =
      head.client_address.empty() ? std::string_view("127.0.0.1") : head.client_address;
  block.set("REMOTE_ADDR", client);
  block.set("REMOTE_HOST", client);
  block.set("HTTP_HOST", whole);
}

Status add_path(const CallHead& head, Block& block) {
  const std::size_t question = std::min(head.target.find('?'), head.target.size());
  const std::string_view path = head.target.substr(0, question);
  std::string_view route = head.matched_path;
  while (route.ends_with('/')) {
    route.remove_suffix(1);
  }
  if (!leads(route, path)) {
    route = {};
  }
  const std::string_view rest = path.starts_with('/') ? path.substr(route.size()) : "";
  const auto script = decoded(route);
  const auto info = decoded(rest);
  if (!script || !info) {
    return invalid("the path cannot be given to a CGI program: it has %00 or half an escape");
  }
  block.set("SCRIPT_NAME", *script);
  block.set("PATH_INFO", *info);
  block.set("X_RAW_PATH_INFO", rest);
  block.set("X_MATCHED_ROUTE", route,
            head.matched_exactly && !route.empty() ? std::string_view() : "/...");
  block.set("QUERY_STRING", head.target.substr(std::min(question + 1, head.target.size())));
  return {};
}

}  // namespace

CgiEnvironment::CgiEnvironment(const std::vector<std::pair<std::string, std::string>>& own,
                               bool passes_authorization)
    : passes_authorization_(passes_authorization) {
  Block block(own_);
  for (const auto& [name, value] : own) {
    if (is_meta(name) || (name + value).find('\0') != std::string::npos) {
      continue;
    }
    block.set(name, value);
    if (name.starts_with(kFieldPrefix)) {
      own_fields_.push_back(name);
    }
  }
}

bool CgiEnvironment::is_own(std::string_view name) const {
  return std::find(own_fields_.begin(), own_fields_.end(), name) != own_fields_.end();
}

bool CgiEnvironment::is_hidden(std::string_view field) const {
  return (!passes_authorization_ && net::equals_ignoring_case(field, "authorization")) ||
         std::any_of(std::begin(kHiddenFields), std::end(kHiddenFields),
                     [field](auto hidden) { return net::equals_ignoring_case(field, hidden); });
}

Result<std::string> CgiEnvironment::of(const CallHead& head) const {
  constexpr std::size_t kMetaBytes = 512;   // what the variables take that are no fields
  constexpr std::size_t kTargetCopies = 4;  // of the target among them
  std::size_t size_bytes = own_.size() + kMetaBytes + kTargetCopies * head.target.size();
  for (const net::Field& field : head.fields) {
    size_bytes += kFieldPrefix.size() + field.name.size() + field.value.size() + 2;
  }
  std::string out;
  out.reserve(size_bytes);
  out = own_;
  Block block(out);
  add_server(head, block);
  DUET_TRY(add_path(head, block));
  add_body(head, block);
  std::string name;
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    const net::Field& field = head.fields[i];
    if (!is_plain(field.name) || is_hidden(field.name) || !is_first(head.fields, i)) {
      continue;
    }
    name = kFieldPrefix;
    std::transform(field.name.begin(), field.name.end(), std::back_inserter(name), variable_char);
    if (is_own(name)) {
      continue;
    }
    out.append(name).append(1, '=');
    append_values(head.fields, i, out);
    out.append(1, '\0');
  }
  return out;
}

}  // namespace duet::gateway
