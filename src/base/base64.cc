#include "base/base64.h"

#include <array>
#include <cstdint>

namespace duet {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kNone = 0xff;

constexpr std::array<uint8_t, 256> make_values() {
  std::array<uint8_t, 256> values{};
  values.fill(kNone);
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
  }
  return values;
}
constexpr std::array<uint8_t, 256> kValues = make_values();

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < count ? static_cast<uint8_t>(bytes[i + j]) : 0);
    }
    for (size_t j = 0; j < 4; ++j) {
      out += j <= count ? kAlphabet[group >> (18 - 6 * j) & 63] : '=';
    }
  }
  return out;
}

Result<std::string> base64_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3);
  uint32_t bits = 0;
  size_t count = 0;    // characters of the group so far, padding included
  size_t padding = 0;  // how many of them are "="
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n' || c == '\r') {
      continue;
    }
    const uint8_t value = kValues[static_cast<uint8_t>(c)];
    if ((value == kNone && c != '=') || (padding > 0 && c != '=') || (c == '=' && count < 2)) {
      return invalid("not base64: unexpected character at byte " + std::to_string(i + 1));
    }
    padding += c == '=' ? 1 : 0;
    bits = bits << 6 | (c == '=' ? 0 : value);
    if (++count < 4) {
      continue;
    }
    if ((bits & ((1U << (8 * padding)) - 1)) != 0) {
      return invalid("not base64: the last character has bits that belong to no byte");
    }
    for (size_t j = 0; j < 3 - padding; ++j) {
      out += static_cast<char>(bits >> (16 - 8 * j) & 0xff);
    }
    bits = 0;
    count = padding > 0 ? 4 : 0;
    if (padding > 0) {
      const size_t rest = text.find_first_not_of("\r\n", i + 1);
      if (rest != std::string_view::npos) {
        return invalid("not base64: text after the padding at byte " + std::to_string(rest + 1));
      }
      return out;
    }
  }
  if (count != 0) {
    return invalid("not base64: the text ends within a group of four, is its end or padding lost?");
  }
  return out;
}

}  // namespace duet
