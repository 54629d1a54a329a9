#include "net/http_target.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "net/http_message.h"

namespace duet::net {
namespace {

bool is_ipv6(std::string_view text) {
  char copy[INET6_ADDRSTRLEN] = {};
  if (text.size() >= sizeof(copy)) {
    return false;
  }
  std::copy(text.begin(), text.end(), copy);
  in6_addr address{};
  return text.find('\0') == std::string_view::npos && inet_pton(AF_INET6, copy, &address) == 1;
}

bool is_hex_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// reg-name of RFC 3986, without the delimiters that no host has.
bool is_registered_name(std::string_view host) {
  for (std::size_t i = 0; i < host.size(); ++i) {
    const char c = host[i];
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    const bool encoded =
        c == '%' && i + 2 < host.size() && is_hex_digit(host[i + 1]) && is_hex_digit(host[i + 2]);
    if (!plain && !encoded) {
      return false;
    }
  }
  return true;
}

// What `segment` has at its start as a dot, plain or encoded: how many bytes.
std::size_t dot_size(std::string_view segment) {
  if (segment.starts_with('.')) {
    return 1;
  }
  return segment.size() >= 3 && equals_ignoring_case(segment.substr(0, 3), "%2e") ? 3 : 0;
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, port);
  return error == std::errc{} && last == end;
}

}  // namespace

bool has_dot_segment(std::string_view path) {
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    std::string_view rest = path.substr(slash + 1);
    for (int dots = 0; dots < 2; ++dots) {
      const std::size_t size = dot_size(rest);
      rest.remove_prefix(size);
      if (size > 0 && (rest.empty() || rest.front() == '/')) {
        return true;
      }
    }
  }
  return false;
}

bool is_authority(std::string_view text) {
  constexpr std::size_t kHostBytesLimit = 255;  // RFC 3986 section 3.2.2
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || !is_ipv6(text.substr(1, close - 1))) {
      return false;
    }
    port = text.substr(close + 1);
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    const std::string_view host = text.substr(0, colon);
    if (host.empty() || host.size() > kHostBytesLimit || !is_registered_name(host)) {
      return false;
    }
    port = text.substr(colon);
  }
  if (port.empty()) {
    return true;
  }
  return port.front() == ':' && (port.size() == 1 || is_port(port.substr(1)));
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

}  // namespace duet::net
