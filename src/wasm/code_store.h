#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "wasm/node_key.h"

namespace duet::wasm {

// Which entry: what was compiled, and for which engine.
struct CodeKey {
  std::string digest;         // 64 hexadecimal digits of the module's SHA-256
  std::string compatibility;  // engine::engine_compatibility_key()
};

// Files with code and their seals in one folder.
//
//   <digest>-<first 16 of compatibility>.code   the compiled file, mode 0444
//   <digest>-<first 16 of compatibility>.seal   64 hexadecimal digits: HMAC-SHA256 with the node's
//   key
//                                               of "duet code 1", digest (each ended by a zero
//                                               byte) and the whole compiled file
//
// The seal stands beside the file because the file's end belongs to the engine's footer. A file
// whose seal is missing or wrong does not exist. The time of modification of a .code file is that
// of its last use. Thread-safe; several processes may share the folder.
class CodeStore {
 public:
  // Makes the folder with mode 0700 if it is missing; kPermission when others may write there.
  // `clock` outlives the store.
  static Result<CodeStore> open(const std::string& directory, const NodeKey& key,
                                const sys::Clock& clock);

  // An entry, open for reading, checked on the very descriptor that is returned. kNotFound;
  // kCorrupt when it is not authentic (it is removed).
  Result<sys::Fd> find(const CodeKey& key) const;

  // Writes a new entry: `produce` gives the compiled file piece by piece to its argument. Its
  // footer says for which engine it is; kCorrupt when this engine cannot load it. Nothing is kept
  // on failure.
  using Sink = std::function<Status(std::string_view)>;
  Status store(const std::string& digest, const std::function<Status(const Sink&)>& produce) const;

  // Removes the least recently used entries until all together have at most `limit_bytes`; the
  // entry of `kept_digest` stays.
  Status shrink(uint64_t limit_bytes, const std::string& kept_digest) const;

  Result<uint64_t> size_bytes() const;

  const std::string& directory() const { return directory_; }

 private:
  CodeStore(std::string directory, const NodeKey& key, const sys::Clock& clock)
      : directory_(std::move(directory)), key_(key), clock_(&clock) {}
  void mark_used(int fd) const;
  std::string path(const CodeKey& key, std::string_view ending) const;

  std::string directory_;
  NodeKey key_;
  const sys::Clock* clock_;
};

}  // namespace duet::wasm
