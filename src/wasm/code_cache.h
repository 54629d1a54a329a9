#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "engine/engine.h"
#include "sys/clock.h"
#include "sys/fd.h"

// The cache of code compiled ahead of time. Code of this cache runs as machine code in gateways and
// sandboxes, so nothing of it is given out before its authenticity has been checked.
namespace duet::wasm {

struct CodeCacheOptions {
  std::string directory;  // made if missing, mode 0700
  std::string key_file;   // the node's key; 32 random bytes, mode 0600, made if missing
  std::string compiler;   // duet-compile, beside the agent's own executable
  uint64_t size_limit_bytes = uint64_t{1} << 30;  // of all entries; least recently used go first
  uint64_t module_limit_bytes = uint64_t{256} << 20;  // of one module
  uint64_t code_limit_bytes = uint64_t{1} << 30;      // of one compiled file
  uint64_t compile_memory_bytes = uint64_t{4} << 30;  // of the compiler's address space
  int64_t compile_timeout_ms = 300'000;
  // Of handlers' memories; what suits this process suits those that it starts.
  engine::Bounds bounds = engine::suitable_bounds();
  uid_t compile_uid = 65534;
  gid_t compile_gid = 65534;
  // Told about refused entries (tampered, truncated, of an older key), one sentence each, from the
  // thread that found them. May be empty.
  std::function<void(const std::string&)> report;
};

// Compiled code that may be run: `fd` is open for reading on the very file that was checked, at
// offset 0. The file has mode 0444, belongs to the user of this process and stands in a folder that
// nobody else may enter; it stays readable when the cache has forgotten it.
struct Code {
  sys::Fd fd;
  engine::Kind kind = engine::Kind::kModuleProgram;
  std::string digest;  // of the module
  uint64_t size_bytes = 0;
  bool compiled_now = false;  // false: it was in the cache
};

// Thread-safe. Several processes may use the same directory.
class CodeCache {
 public:
  // `clock` tells which entry was used last; it outlives the cache.
  static Result<std::unique_ptr<CodeCache>> open(CodeCacheOptions options, const sys::Clock& clock);
  virtual ~CodeCache() = default;

  // The code for `use` of the module open as `module_fd` (a regular file, read by position, whole),
  // whose SHA-256 is `digest` ("sha256:<64 hex>"); compiles it when the cache has no authentic
  // entry. A second call for the same digest waits for the first. A core module may have an entry
  // for each use. Errors: kInvalid with the compiler's own words (they name a missing import, or
  // why a module is not for this use), kCorrupt when the module is not what its digest says,
  // kTimeout and kExhausted when it needs more than the limits above.
  virtual Result<Code> ensure(int module_fd, const std::string& digest,
                              engine::Use use = engine::Use::kOwn) = 0;

  // As ensure, but never compiles: kNotFound when there is no authentic entry.
  virtual Result<Code> find(const std::string& digest, engine::Use use = engine::Use::kOwn) = 0;

  // Where the entries are: what a process must be able to read that maps them.
  virtual const std::string& directory() const = 0;

  // Bytes of all entries.
  virtual Result<uint64_t> size_bytes() const = 0;
};

// "sha256:<hex>" of the regular file open as `fd`, from its first byte.
Result<std::string> file_digest(int fd);

}  // namespace duet::wasm
