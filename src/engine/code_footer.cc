#include <optional>

#include "engine/code_file.h"

namespace duet::engine {
namespace {

constexpr std::string_view kMagic = "duetcode";
constexpr std::uint32_t kFormatVersion = 1;
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kKindAt = 12;
constexpr std::size_t kKeyAt = 20;
constexpr std::size_t kMagicAt = 56;
constexpr std::string_view kDigits = "0123456789abcdef";

std::string little_endian(std::uint64_t value, std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) {
    bytes += static_cast<char>(value >> (8 * i));
  }
  return bytes;
}

std::uint64_t number(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) {
    value = value << 8U | static_cast<std::uint8_t>(bytes[i - 1]);
  }
  return value;
}

std::string from_hex(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes += static_cast<char>(kDigits.find(text[i]) << 4U | kDigits.find(text[i + 1]));
  }
  return bytes;
}

std::string to_hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    text += kDigits[static_cast<std::uint8_t>(byte) >> 4U];
    text += kDigits[static_cast<std::uint8_t>(byte) & 15U];
  }
  return text;
}

std::optional<Kind> kind_of(char byte) {
  switch (byte) {
    case 1:
      return Kind::kModuleProgram;
    case 2:
      return Kind::kComponentProgram;
    case 3:
      return Kind::kHandler;
    case 4:
      return Kind::kModuleHandler;
    case 5:
      return Kind::kAsyncHandler;
    default:
      return std::nullopt;
  }
}

Error corrupt(std::string_view why) {
  return {ErrorCode::kCorrupt, "compiled file: " + std::string(why) + "; compile the module again"};
}

}  // namespace

std::string format_code_footer(const CodeFooter& footer) {
  std::string bytes = little_endian(footer.image_bytes, 8) + little_endian(kFormatVersion, 4);
  bytes += static_cast<char>(footer.kind);
  bytes.resize(kKeyAt, '\0');
  bytes += from_hex(footer.compatibility_key);
  bytes.resize(kMagicAt, '\0');
  bytes += kMagic;
  return bytes;
}

Result<CodeFooter> parse_code_footer(std::string_view last_bytes, std::uint64_t file_bytes) {
  if (last_bytes.size() < kCodeFooterBytes || file_bytes < kCodeFooterBytes) {
    return corrupt("it is too short");
  }
  const std::string_view bytes = last_bytes.substr(last_bytes.size() - kCodeFooterBytes);
  if (bytes.substr(kMagicAt) != kMagic) {
    return corrupt("it does not end as one; it was cut off or is something else");
  }
  if (number(bytes.substr(kVersionAt, 4)) != kFormatVersion) {
    return corrupt("it has another format version");
  }
  const auto kind = kind_of(bytes[kKindAt]);
  if (!kind) {
    return corrupt("it is of an unknown kind");
  }
  const std::uint64_t image_bytes = number(bytes.substr(0, 8));
  if (image_bytes != file_bytes - kCodeFooterBytes) {
    return corrupt("its size is not what it says");
  }
  return CodeFooter{image_bytes, *kind, to_hex(bytes.substr(kKeyAt, kKeyBytes))};
}

}  // namespace duet::engine
