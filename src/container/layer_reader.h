#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "container/tree_writer.h"

namespace duet::container {

// What a layer turned out to be.
struct LayerSummary {
  std::string diff_id;  // "sha256:<hex>" of the uncompressed tar
  int64_t entries = 0;
  int64_t size_bytes = 0;  // of the uncompressed tar
};

struct LayerReadLimits {
  int64_t entry_limit = 0;
  int64_t size_bytes = 0;  // of the uncompressed tar, and of all files as their headers say
};

// Reads the layer blob (tar, plain or compressed by gzip or zstd) from the descriptor `blob` to its
// end and writes its members with `writer`. kCorrupt: no such archive, or cut off; kExhausted: past
// a limit; the writer's errors. Not thread-safe: keeps to the C locale so that names stay the bytes
// that they are.
Result<LayerSummary> read_layer(int blob, const LayerReadLimits& limits, TreeWriter& writer);

}  // namespace duet::container
