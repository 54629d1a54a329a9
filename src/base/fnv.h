#pragma once

#include <cstdint>
#include <string_view>

namespace duet {

// FNV-1a with 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/. For names and for telling
// changes; anybody can make two texts of one hash. `hash` is that of what stood before.
constexpr uint64_t kFnvStart = 0xcbf29ce484222325;
constexpr uint64_t fnv1a(std::string_view text, uint64_t hash = kFnvStart) {
  for (const char c : text) {
    hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  }
  return hash;
}

}  // namespace duet
