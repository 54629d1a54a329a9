#include "gateway/file_path.h"

#include <algorithm>
#include <array>
#include <utility>

#include "net/http_message.h"

namespace duet::gateway {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Without its percent-encoding; a slash that was encoded would be another path.
std::optional<std::string> decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return std::nullopt;
    }
    const char c = static_cast<char>(high << 4 | low);
    if (c == '/' || c == '\0') {
      return std::nullopt;
    }
    out += c;
    i += 2;
  }
  return out;
}

bool is_served(std::string_view segment) {
  return !segment.empty() && (segment.front() != '.' || segment == ".well-known");
}

using Type = std::pair<std::string_view, std::string_view>;
constexpr std::array kTypes = {
    Type{"html", "text/html; charset=utf-8"},
    Type{"htm", "text/html; charset=utf-8"},
    Type{"css", "text/css; charset=utf-8"},
    Type{"js", "text/javascript; charset=utf-8"},
    Type{"mjs", "text/javascript; charset=utf-8"},
    Type{"json", "application/json"},
    Type{"map", "application/json"},
    Type{"webmanifest", "application/manifest+json"},
    Type{"txt", "text/plain; charset=utf-8"},
    Type{"md", "text/markdown; charset=utf-8"},
    Type{"csv", "text/csv; charset=utf-8"},
    Type{"xml", "application/xml"},
    Type{"yaml", "application/yaml"},
    Type{"yml", "application/yaml"},
    Type{"svg", "image/svg+xml"},
    Type{"png", "image/png"},
    Type{"jpg", "image/jpeg"},
    Type{"jpeg", "image/jpeg"},
    Type{"gif", "image/gif"},
    Type{"webp", "image/webp"},
    Type{"avif", "image/avif"},
    Type{"ico", "image/vnd.microsoft.icon"},
    Type{"woff", "font/woff"},
    Type{"woff2", "font/woff2"},
    Type{"ttf", "font/ttf"},
    Type{"otf", "font/otf"},
    Type{"pdf", "application/pdf"},
    Type{"zip", "application/zip"},
    Type{"gz", "application/gzip"},
    Type{"wasm", "application/wasm"},
    Type{"mp3", "audio/mpeg"},
    Type{"ogg", "audio/ogg"},
    Type{"wav", "audio/wav"},
    Type{"mp4", "video/mp4"},
    Type{"webm", "video/webm"},
};

}  // namespace

std::optional<std::string> file_path(std::string_view request_path) {
  if (!request_path.starts_with('/')) {
    return std::nullopt;  // OPTIONS *
  }
  std::string out;
  std::string_view rest = request_path.substr(1);
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    const bool is_last = slash == std::string_view::npos;
    const auto segment = decode(rest.substr(0, slash));
    if (!segment || !is_served(*segment)) {
      return std::nullopt;
    }
    out += *segment;
    out += is_last ? "" : "/";
    rest.remove_prefix(is_last ? rest.size() : slash + 1);
  }
  return out;
}

std::string_view content_type_of(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const std::size_t point = name.rfind('.');
  const std::string_view end =
      point == std::string_view::npos ? std::string_view() : name.substr(point + 1);
  const auto* found = std::find_if(kTypes.begin(), kTypes.end(), [end](const Type& type) {
    return net::equals_ignoring_case(type.first, end);
  });
  return found == kTypes.end() ? "application/octet-stream" : found->second;
}

}  // namespace duet::gateway
