#pragma once

#include <string>

#include "base/result.h"
#include "oci/manifest.h"
#include "sys/fd.h"

// Reading an OCI layout that somebody else wrote and may still be writing. Nothing outside of the
// folder is ever opened: no symbolic links, no "..", only regular files. Thread-safe.
namespace duet::oci {

Result<sys::Fd> open_folder(const std::string& path);

// A regular file of the folder; kNotFound. The error names `path`.
Result<sys::Fd> open_inside(int folder, const std::string& path);

// The file of the blob, of the size that its descriptor says; not yet read or checked.
Result<sys::Fd> open_layout_blob(int layout, const Descriptor& blob);

// index.json of the layout.
Result<Index> read_layout_index(int layout);

}  // namespace duet::oci
