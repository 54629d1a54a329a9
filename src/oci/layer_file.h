#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "oci/helper_protocol.h"

namespace duet::oci {

inline constexpr size_t kLayerEntryLimit = 2'000'000;

// The verb "module" of duet-pull: looks for the file `path` (relative, clean) in the layer open as
// `layer` and writes it to `out`, which must be seekable and empty. kRemoved: the layer has a
// whiteout for it (OCI image spec, layer.md). kUnsupported: it is there and not a regular file.
Result<LayerAnswer> extract_file(int layer, const std::string& path, int out,
                                 int64_t size_limit_bytes);

}  // namespace duet::oci
