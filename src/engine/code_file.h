#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/engine.h"

namespace duet::engine {

// A compiled file is the engine's ELF image, as Wasmtime serializes it, followed by this footer of
// 64 bytes (numbers little-endian):
//
//   offset  size  what
//   0       8     size of the image in bytes
//   8       4     format version, 1
//   12      1     kind (Kind)
//   13      7     zero
//   20      32    engine compatibility key
//   52      4     zero
//   56      8     "duetcode"
//
// The footer is at the end, so that the image can be mapped from the start of the file. The file
// says nothing about who made it: whoever keeps it authenticates the whole of it (for example by an
// HMAC kept elsewhere) before use.
inline constexpr std::size_t kCodeFooterBytes = 64;

struct CodeFooter {
  std::uint64_t image_bytes = 0;
  Kind kind = Kind::kModuleProgram;
  std::string compatibility_key;  // 64 hexadecimal digits
};

// The footer's bytes. The key must be one of engine_compatibility_key().
std::string format_code_footer(const CodeFooter& footer);

// Reads a footer from the last bytes of a file of `file_bytes`.
Result<CodeFooter> parse_code_footer(std::string_view last_bytes, std::uint64_t file_bytes);

// Reads the footer of an open file, and checks that this engine can load it on this CPU.
Result<CodeFooter> read_code_footer(int fd);

}  // namespace duet::engine
