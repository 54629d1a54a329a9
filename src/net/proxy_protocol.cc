#include "net/proxy_protocol.h"

#include <algorithm>
#include <array>

namespace duet::net {
namespace {

using State = ProxyHeader::State;

constexpr std::string_view kV1Start = "PROXY ";
constexpr std::string_view kV2Start("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kV2FixedBytes = 16;
constexpr std::size_t kPortBytes = 2;

ProxyHeader invalid_header(std::string_view problem) {
  return {.state = State::kInvalid, .problem = problem};
}

ProxyHeader done(std::size_t size_bytes, std::optional<IpAddress> source = std::nullopt) {
  return {.state = State::kDone, .size_bytes = size_bytes, .source = source};
}

bool is_port(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text.front() == '0')) {
    return false;
  }
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') {
      return false;
    }
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value <= 0xffff;
}

// "TCP4 192.0.2.1 192.0.2.2 56324 443": words with one space between them.
ProxyHeader parse_tcp_line(std::string_view line, std::size_t size_bytes) {
  constexpr std::size_t kWords = 5;
  std::array<std::string_view, kWords> words;
  std::string_view rest = line;
  for (std::size_t i = 0; i < kWords; ++i) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    words[i] = rest.substr(0, end);
    const bool is_last = i + 1 == kWords;
    if (words[i].empty() || is_last != (end == rest.size())) {
      return invalid_header("version 1: not five words after PROXY");
    }
    rest.remove_prefix(is_last ? end : end + 1);
  }
  const bool v4 = words[0] == "TCP4";
  if (!v4 && words[0] != "TCP6") {
    return invalid_header("version 1: neither TCP4, TCP6 nor UNKNOWN");
  }
  for (const std::string_view text : {words[1], words[2]}) {
    const bool has_colon = text.find(':') != std::string_view::npos;
    if (has_colon == v4 || !IpAddress::parse(text)) {
      return invalid_header("version 1: an address is none of its family");
    }
  }
  if (!is_port(words[3]) || !is_port(words[4])) {
    return invalid_header("version 1: a port is none");
  }
  return done(size_bytes, IpAddress::parse(words[1]));
}

ProxyHeader parse_v1(std::string_view bytes) {
  constexpr std::string_view kUnknown = "UNKNOWN";
  const std::string_view line = bytes.substr(0, kProxyV1Bytes);
  const std::size_t end = line.find_first_of(std::string_view("\r\n\0", 3));
  if (end == std::string_view::npos || (end + 1 == line.size() && line[end] == '\r')) {
    return bytes.size() < kProxyV1Bytes ? ProxyHeader{}
                                        : invalid_header("version 1: longer than 107 bytes");
  }
  if (line.substr(end, 2) != "\r\n") {
    return invalid_header("version 1: no CRLF at the end");
  }
  const std::size_t size_bytes = end + 2;
  const std::string_view words = line.substr(kV1Start.size(), end - kV1Start.size());
  // What stands behind UNKNOWN means nothing.
  if (words == kUnknown || (words.starts_with(kUnknown) && words[kUnknown.size()] == ' ')) {
    return done(size_bytes);
  }
  return parse_tcp_line(words, size_bytes);
}

ProxyHeader parse_v2(std::string_view bytes) {
  constexpr unsigned kLocal = 0x20;
  constexpr unsigned kProxy = 0x21;
  constexpr unsigned kStream = 1;
  if (bytes.size() < kV2FixedBytes) {
    return {};
  }
  const auto byte = [bytes](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
  const unsigned command = byte(12);
  const unsigned family = byte(13) >> 4U;
  const unsigned transport = byte(13) & 0xfU;
  const std::size_t length = static_cast<std::size_t>(byte(14)) << 8U | byte(15);
  if (command != kLocal && command != kProxy) {
    return invalid_header("version 2: neither LOCAL nor PROXY");
  }
  // Of the families unspecified, IPv4, IPv6 and Unix: the two ends.
  constexpr std::array<std::size_t, 4> kAddressBytes = {0, 4, 16, 108};
  if (family >= kAddressBytes.size() || transport > 2) {
    return invalid_header("version 2: unknown family or transport");
  }
  const bool is_ip = command == kProxy && (family == 1 || family == 2);
  const std::size_t address = kAddressBytes[family];
  if (is_ip && transport != kStream) {
    return invalid_header("version 2: not of TCP");
  }
  if (command == kProxy && length < 2 * address + (is_ip ? 2 * kPortBytes : 0)) {
    return invalid_header("version 2: too short for its addresses");
  }
  if (bytes.size() < kV2FixedBytes + length) {
    return {};
  }
  return done(kV2FixedBytes + length,
              is_ip ? IpAddress::from_bytes(bytes.substr(kV2FixedBytes, address)) : std::nullopt);
}

bool starts_like(std::string_view bytes, std::string_view start) {
  return bytes.substr(0, start.size()) == start.substr(0, bytes.size());
}

}  // namespace

ProxyHeader parse_proxy_header(std::string_view bytes) {
  if (bytes.empty()) {
    return {};
  }
  if (starts_like(bytes, kV1Start)) {
    return bytes.size() < kV1Start.size() ? ProxyHeader{} : parse_v1(bytes);
  }
  if (starts_like(bytes, kV2Start)) {
    return bytes.size() < kV2Start.size() ? ProxyHeader{} : parse_v2(bytes);
  }
  return invalid_header("no header of the PROXY protocol");
}

}  // namespace duet::net
