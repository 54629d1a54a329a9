#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Numbers in network byte order.
namespace duet::kubelet {

inline void put_u32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out += static_cast<char>(value >> shift & 0xff);
  }
}

// Reads one at `at`, where it must be.
inline std::uint32_t get_u32(std::string_view text, std::size_t at = 0) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < sizeof(value); ++i) {
    value = value << 8 | static_cast<unsigned char>(text[at + i]);
  }
  return value;
}

// Takes one from the front of `text`; nothing: it is too short.
inline std::optional<std::uint32_t> take_u32(std::string_view& text) {
  if (text.size() < sizeof(std::uint32_t)) {
    return std::nullopt;
  }
  const std::uint32_t value = get_u32(text);
  text.remove_prefix(sizeof(value));
  return value;
}

}  // namespace duet::kubelet
