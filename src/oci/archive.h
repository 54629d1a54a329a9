#pragma once

#include <cstdint>

#include "base/result.h"

namespace duet::oci {

inline constexpr size_t kArchiveEntryLimit = 16'384;

// The verb "archive" of duet-pull: reads the tar open as `archive` (also gzip, zstd) and makes an
// OCI layout of it in the folder open as `folder`. The tar holds an OCI layout, or what `docker
// save` writes (manifest.json); names in it never become file names. kInvalid: neither; kCorrupt:
// truncated, or a blob is not what its name says; kExhausted: more than `size_limit_bytes`.
Status unpack_archive(int archive, int folder, int64_t size_limit_bytes);

}  // namespace duet::oci
