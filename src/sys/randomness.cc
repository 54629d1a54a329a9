#include "sys/randomness.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>

namespace duet::sys {

void SystemRandom::fill(std::span<uint8_t> out) {
  while (!out.empty()) {
    const ssize_t count = ::getrandom(out.data(), out.size(), 0);
    if (count < 0 && errno != EINTR) {
      std::abort();  // a kernel without getrandom cannot run duet at all
    }
    if (count > 0) {
      out = out.subspan(static_cast<size_t>(count));
    }
  }
}

void SeededRandom::fill(std::span<uint8_t> out) {
  const std::lock_guard lock(mutex_);
  for (uint8_t& byte : out) {
    byte = static_cast<uint8_t>(engine_());
  }
}

std::string make_uuid(Random& random) {
  std::array<uint8_t, 16> bytes{};
  random.fill(bytes);
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3f) | 0x80);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) {
      text += '-';
    }
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 0x0f];
  }
  return text;
}

std::string make_name_suffix(Random& random, size_t length) {
  constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";
  std::string text;
  while (text.size() < length) {
    std::array<uint8_t, 1> byte{};
    random.fill(byte);
    // Bytes past the last whole multiple would make the first letters likelier.
    if (byte[0] < 256 / kLetters.size() * kLetters.size()) {
      text += kLetters[byte[0] % kLetters.size()];
    }
  }
  return text;
}

}  // namespace duet::sys
