#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/code_file.h"
#include "engine/compiler/duet_compile.h"
#include "engine/engine.h"

namespace duet::engine {

// What `wasm` can be used as. An error says what it is instead; it is not validated beyond its
// outline. Thread-safe.
Result<Kind> inspect(std::string_view wasm);

// The key of compiled files that compile() makes; equal to engine_compatibility_key() of the
// running side.
std::string compiler_compatibility_key(Kind kind, Bounds bounds = Bounds::kGuarded);

// Code as the running side loads it.
class CompiledCode {
 public:
  // Validates and compiles a module or component for `use`, and checks that all that it imports
  // exists; an error names what is missing. Takes seconds and hundreds of megabytes for large
  // modules: run it where both are bounded. `bounds` matters for handlers only. Thread-safe.
  static Result<CompiledCode> compile(std::string_view wasm, Use use = Use::kOwn,
                                      Bounds bounds = Bounds::kGuarded);
  ~CompiledCode();
  CompiledCode(CompiledCode&& other) noexcept;
  CompiledCode& operator=(CompiledCode&& other) = delete;

  Kind kind() const { return static_cast<Kind>(raw_.kind); }
  // The image; the footer follows it in a compiled file.
  std::string_view image() const;
  std::string footer() const;

 private:
  CompiledCode(duet_compiled raw, Bounds bounds) : raw_(raw), bounds_(bounds) {}
  duet_compiled raw_;
  Bounds bounds_;
};

}  // namespace duet::engine
