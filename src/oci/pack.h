#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "oci/content_store.h"
#include "oci/helper.h"

namespace duet::oci {

struct PackOptions {
  std::string name;     // to store it under; any spelling
  std::string created;  // RFC 3339 for the configuration; empty leaves it out (reproducible)
  std::map<std::string, std::string> annotations;  // of the manifest
};

// Packs the WebAssembly file `wasm_path` as the CNCF Wasm OCI artifact (application/wasm with
// application/vnd.wasm.config.v0+json; os wasip1 for a core module, wasip2 for a component) into
// `store` and names it. The same file makes the same digest. kInvalid: not WebAssembly.
Result<Image> pack_module(ContentStore& store, const std::string& wasm_path,
                          const PackOptions& options);

struct ImportOptions {
  // To store it under: then the source must hold one image, or `select` says which. Empty: the
  // names that the source itself records, all of them.
  std::string name;
  std::string select;  // the source's own name (ref.name) of the image to take; empty: all
  Wanted wanted = Wanted::kAny;
  int64_t size_limit_bytes = kImageSizeLimitBytes;
  int64_t timeout_ms = int64_t{30} * 60 * 1000;  // for reading an archive
  Helper helper;
};

// Takes images from `path`: an OCI layout folder, or a tar (also compressed) of an OCI layout or of
// `docker save`'s format. Archives are read by the confined helper. kInvalid: none of these, or no
// name; kCorrupt: truncated, wrong digests; kExhausted: over the limit.
Result<std::vector<Image>> import_images(ContentStore& store, const std::string& path,
                                         const ImportOptions& options);

}  // namespace duet::oci
