#include "engine/compiler/compile.h"

#include <array>

#include "engine/profile.h"

namespace duet::engine {
namespace {

Error take_compile_error(duet_error& error) {
  ErrorCode code = ErrorCode::kInternal;
  if (error.code == DUET_E_INVALID) {
    code = ErrorCode::kInvalid;
  } else if (error.code == DUET_E_UNSUPPORTED) {
    code = ErrorCode::kUnsupported;
  }
  Error taken(code, std::string(error.message, error.message_size));
  duet_compile_error_clear(&error);
  return taken;
}

const std::uint8_t* bytes(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

}  // namespace

Result<Kind> inspect(std::string_view wasm) {
  std::uint32_t kind = 0;
  duet_error error{};
  if (duet_inspect(bytes(wasm), wasm.size(), &kind, &error) != DUET_OK) {
    return take_compile_error(error);
  }
  return static_cast<Kind>(kind);
}

std::string compiler_compatibility_key(Kind kind, Bounds bounds) {
  std::array<std::uint8_t, 32> key{};
  duet_compile_key(profile_number(kind, bounds), key.data());
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : key) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

Result<CompiledCode> CompiledCode::compile(std::string_view wasm, Use use, Bounds bounds) {
  duet_compiled raw{};
  duet_error error{};
  if (duet_compile(bytes(wasm), wasm.size(), use == Use::kWagi, bounds == Bounds::kChecked, &raw,
                   &error) != DUET_OK) {
    return take_compile_error(error);
  }
  return CompiledCode(raw, bounds);
}

CompiledCode::~CompiledCode() { duet_compiled_clear(&raw_); }

CompiledCode::CompiledCode(CompiledCode&& other) noexcept
    : raw_(other.raw_), bounds_(other.bounds_) {
  other.raw_.code = nullptr;
}

std::string_view CompiledCode::image() const {
  return {reinterpret_cast<const char*>(raw_.code), raw_.code_size};
}

std::string CompiledCode::footer() const {
  return format_code_footer({raw_.code_size, kind(), compiler_compatibility_key(kind(), bounds_)});
}

}  // namespace duet::engine
