#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace duet::wasm {

// One run of duet-compile.
struct CompilerRun {
  std::vector<std::string> argv;
  int module_fd = -1;             // becomes its stdin, from the first byte
  int64_t timeout_ms = 300'000;   // by the clock
  uint64_t code_limit_bytes = 0;  // of what it writes
};

// Runs it to its end and gives what it writes to `sink`, piece by piece; nothing that it wrote may
// be used unless the result is good. Errors: kInvalid with the compiler's words when it refuses the
// module, kTimeout and kExhausted when it reached a bound, what `sink` returned. Thread-safe.
Status run_compiler(const CompilerRun& run, const std::function<Status(std::string_view)>& sink);

}  // namespace duet::wasm
