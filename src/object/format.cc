#include "object/format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>

namespace duet::object {
namespace {

using Answer = std::optional<std::string>;

constexpr size_t kLabelLimit = 63;
constexpr size_t kSubdomainLimit = 253;
constexpr size_t kPortNameLimit = 15;
constexpr int64_t kPortLimit = 65535;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z'); }

template <typename Predicate>
bool all(std::string_view text, Predicate predicate) {
  return std::all_of(text.begin(), text.end(), predicate);
}

Answer too_long(std::string_view text, size_t limit) {
  if (text.size() > limit) {
    return quote(text) + " must be at most " + std::to_string(limit) + " characters";
  }
  return std::nullopt;
}

Answer require(bool holds, std::string_view text, const char* rule) {
  return holds ? std::nullopt : Answer(quote(text) + " " + rule);
}

bool is_dns_label(std::string_view text) {
  return !text.empty() && text.size() <= kLabelLimit && text.front() != '-' && text.back() != '-' &&
         all(text, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

bool is_dns_subdomain(std::string_view text) {
  if (text.size() > kSubdomainLimit) {
    return false;
  }
  while (true) {
    const size_t dot = text.find('.');
    const std::string_view part = text.substr(0, dot);
    // Kubernetes bounds the whole name, not its parts.
    if (part.empty() || part.front() == '-' || part.back() == '-' ||
        !all(part, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; })) {
      return false;
    }
    if (dot == std::string_view::npos) {
      return true;
    }
    text.remove_prefix(dot + 1);
  }
}

Answer dns_label(std::string_view text) {
  return require(is_dns_label(text), text,
                 "must be 1 to 63 of the characters a-z, 0-9 and \"-\", with a letter or digit "
                 "first and last");
}

Answer dns_subdomain(std::string_view text) {
  return require(is_dns_subdomain(text), text,
                 "must be at most 253 of the characters a-z, 0-9, \"-\" and \".\", with a letter "
                 "or digit first and last in every part");
}

// The part of a label key behind the prefix, and label values.
bool is_label_name(std::string_view text) {
  return !text.empty() && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
         all(text, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

Answer label_key(std::string_view text) {
  const size_t slash = text.find('/');
  const bool prefixed = slash != std::string_view::npos;
  const std::string_view name = prefixed ? text.substr(slash + 1) : text;
  if (prefixed && !is_dns_subdomain(text.substr(0, slash))) {
    return quote(text) + " must have a DNS name before the \"/\"";
  }
  if (auto problem = too_long(name, kLabelLimit)) {
    return problem;
  }
  return require(is_label_name(name), text,
                 "must be letters, digits, \"-\", \"_\" and \".\", with a letter or digit first "
                 "and last, and may have a DNS name and \"/\" before it");
}

Answer label_value(std::string_view text) {
  if (auto problem = too_long(text, kLabelLimit)) {
    return problem;
  }
  return require(text.empty() || is_label_name(text), text,
                 "must be letters, digits, \"-\", \"_\" and \".\", with a letter or digit first "
                 "and last");
}

Answer service_name(std::string_view text) {
  return require(is_dns_label(text) && is_lower(text.front()), text,
                 "must be 1 to 63 of the characters a-z, 0-9 and \"-\", with a letter first and a "
                 "letter or digit last");
}

Answer port_name(std::string_view text) {
  const bool right = is_dns_label(text) && text.size() <= kPortNameLimit &&
                     text.find("--") == std::string_view::npos &&
                     std::any_of(text.begin(), text.end(), is_lower);
  return require(right, text,
                 "must be 1 to 15 of the characters a-z, 0-9 and single \"-\" between them, with "
                 "at least one letter");
}

Answer port_number(int64_t number) {
  if (number < 1 || number > kPortLimit) {
    return std::to_string(number) + " is no port; ports are 1 to 65535";
  }
  return std::nullopt;
}

Answer config_key(std::string_view text) {
  if (auto problem = too_long(text, kSubdomainLimit)) {
    return problem;
  }
  const bool right =
      !text.empty() && text != "." && text.substr(0, 2) != ".." &&
      all(text, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
  return require(right, text,
                 "must be letters, digits, \"-\", \"_\" and \".\", and must not start with \"..\"");
}

bool goes_up(std::string_view path) {
  while (true) {
    const size_t slash = path.find('/');
    if (path.substr(0, slash) == "..") {
      return true;
    }
    if (slash == std::string_view::npos) {
      return false;
    }
    path.remove_prefix(slash + 1);
  }
}

Answer absolute_path(std::string_view text) {
  return require(!text.empty() && text[0] == '/' && text.find('\0') == std::string_view::npos, text,
                 "must be an absolute path");
}

Answer relative_path(std::string_view text) {
  const bool right = !text.empty() && text[0] != '/' && !goes_up(text) &&
                     text.find('\0') == std::string_view::npos;
  return require(right, text, "must be a relative path without \"..\"");
}

Answer env_name(std::string_view text) {
  const bool right =
      !text.empty() && all(text, [](char c) { return c >= ' ' && c <= '~' && c != '='; });
  return require(right, text, "must be printable ASCII characters without \"=\"");
}

Answer header_name(std::string_view text) {
  const bool right = !text.empty() && all(text, [](char c) {
    return is_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string::npos;
  });
  return require(right && text.size() <= 256, text, "is no header name (RFC 9110, section 5.1)");
}

bool is_ipv4(std::string_view text) {
  return all(text, [](char c) { return is_digit(c) || c == '.'; });
}

Answer plain_hostname(std::string_view text) {
  return require(is_dns_subdomain(text) && !is_ipv4(text), text,
                 "must be a host name in lower case, without a port, and no IP address");
}

Answer hostname(std::string_view text) {
  const bool wildcard = text.substr(0, 2) == "*.";
  if (plain_hostname(wildcard ? text.substr(2) : text).has_value()) {
    return quote(text) +
           " must be a host name in lower case, without a port, and no IP address; it may start "
           "with \"*.\"";
  }
  return std::nullopt;
}

Answer count_or_percent(std::string_view text) {
  const bool right = text.size() >= 2 && text.size() <= 4 && text.back() == '%' &&
                     all(text.substr(0, text.size() - 1), is_digit);
  return require(right, text, "must be a number or a percentage such as \"25%\"");
}

}  // namespace

Answer format_problem(Format format, std::string_view text) {
  switch (format) {
    case Format::kNone:
      return std::nullopt;
    case Format::kNonEmpty:
      return text.empty() ? Answer("must not be empty") : std::nullopt;
    case Format::kDnsLabel:
      return dns_label(text);
    case Format::kServiceName:
      return service_name(text);
    case Format::kDnsSubdomain:
      return dns_subdomain(text);
    case Format::kLabelKey:
      return label_key(text);
    case Format::kLabelValue:
      return label_value(text);
    case Format::kPort:
      return quote(text) + " is no port; ports are 1 to 65535";
    case Format::kPortName:
    case Format::kPortOrName:
      return port_name(text);
    case Format::kEnvName:
      return env_name(text);
    case Format::kConfigKey:
      return config_key(text);
    case Format::kAbsolutePath:
      return absolute_path(text);
    case Format::kRelativePath:
      return relative_path(text);
    case Format::kHeaderName:
      return header_name(text);
    case Format::kHostname:
      return hostname(text);
    case Format::kPlainHostname:
      return plain_hostname(text);
    case Format::kDuration:
      return require(duration_ms(text).has_value(), text,
                     "is no duration; write for example 10s, 500ms or 1h30m");
    case Format::kCountOrPercent:
      return count_or_percent(text);
  }
  return std::nullopt;
}

Answer format_problem(Format format, int64_t number) {
  if (format == Format::kPort || format == Format::kPortOrName) {
    return port_number(number);
  }
  if (format == Format::kCountOrPercent && number < 0) {
    return std::to_string(number) + " must not be negative";
  }
  return std::nullopt;
}

std::string quote(std::string_view text) {
  constexpr size_t kShown = 80;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  size_t shown = std::min(text.size(), kShown);
  while (shown < text.size() && shown > 0 && (static_cast<uint8_t>(text[shown]) & 0xc0) == 0x80) {
    --shown;  // never half a character
  }
  for (const char c : text.substr(0, shown)) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + (shown < text.size() ? "...\"" : "\"");
}

std::optional<int64_t> duration_ms(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, int64_t>, 4> kUnits = {
      {{"ms", 1}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}}};
  constexpr int kParts = 4;
  constexpr size_t kDigits = 5;
  int64_t total = 0;
  for (int part = 0; part < kParts && !text.empty(); ++part) {
    int64_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    const size_t digits = static_cast<size_t>(end - text.data());
    if (failure != std::errc() || digits > kDigits || text[0] == '-') {
      return std::nullopt;
    }
    text.remove_prefix(digits);
    const auto unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const auto& candidate) {
      return text.substr(0, candidate.first.size()) == candidate.first;
    });
    if (unit == kUnits.end()) {
      return std::nullopt;
    }
    text.remove_prefix(unit->first.size());
    total += number * unit->second;
    if (text.empty()) {
      return total;
    }
  }
  return std::nullopt;
}

}  // namespace duet::object
