#pragma once

#include "base/result.h"
#include "oci/manifest.h"

// What an image is: a container, or one of the shapes in which Wasm travels (docs/images.md).
namespace duet::oci {

// Fills an Image (without name and target digest) from its documents. Pure. kUnsupported says what
// was found when no shape fits.
Result<Image> recognize(const Digest& manifest_digest, const Manifest& manifest,
                        const Configuration& configuration);

// True if the manifest's configuration blob is a document that parse_configuration reads. The other
// shapes keep nothing there that duet uses.
bool has_configuration(const Manifest& manifest);

// True if the blob of `media_type` is a WebAssembly module itself, not a layer.
bool is_module_media_type(std::string_view media_type);

}  // namespace duet::oci
