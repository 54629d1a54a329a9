#pragma once

#include <functional>

#include "base/result.h"
#include "oci/blob_store.h"
#include "oci/manifest.h"
#include "oci/platform.h"

// From a name's target to an Image: index, manifest, configuration.
namespace duet::oci {

// Gives a small document's bytes, checked against its descriptor.
using DocumentReader = std::function<Result<std::string>(const Descriptor&)>;

// The image that `target` (a manifest or an index, possibly of indexes) is on this machine; its
// name is left empty. Only documents are read, through `read`; layers are not looked for.
// kUnsupported also when Wasm is wanted and the image is a container.
Result<Image> read_image(const Descriptor& target, Wanted wanted, const DocumentReader& read);

// All blobs that `image` needs beside its documents.
std::vector<Descriptor> content_of(const Image& image);

}  // namespace duet::oci
