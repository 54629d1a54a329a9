#pragma once

#include "base/result.h"
#include "oci/content_store.h"
#include "oci/helper.h"

namespace duet::oci {

inline constexpr int64_t kModuleSizeLimitBytes = int64_t{256} << 20;
inline constexpr int64_t kModuleTimeoutMs = 120'000;

// The module of a kWasm image as a file for reading, at offset 0: its blob, or, when the module is
// a file in a layer, a sealed memory file that a confined helper filled from the topmost layer that
// has it (tar, gzip or zstd; whiteouts are heeded). Safe to hand to other processes. Results for
// one Image::manifest_digest are always the same bytes. Thread-safe.
// kInvalid: not a Wasm image, or no layer has the file; kCorrupt: a blob is damaged, or the file is
// not WebAssembly; kExhausted: larger than kModuleSizeLimitBytes.
Result<sys::Fd> open_module(const ContentStore& store, const Image& image, const Helper& helper);

// What the first eight bytes of a WebAssembly binary say.
enum class ModuleFormat { kCore, kComponent };
// Reads the start of `fd` without moving its offset. kInvalid: not WebAssembly, and what it looks
// like instead.
Result<ModuleFormat> module_format(int fd);

}  // namespace duet::oci
