#include "oci/image_reader.h"

#include "oci/shape.h"

namespace duet::oci {

namespace {

constexpr int kIndexDepthLimit = 3;  // an index of indexes of indexes

// Follows indexes down to the manifest for this machine.
Result<Descriptor> find_manifest(const Descriptor& target, Wanted wanted,
                                 const DocumentReader& read, std::string& manifest_text) {
  Descriptor current = target;
  for (int depth = 0; depth <= kIndexDepthLimit; ++depth) {
    DUET_ASSIGN(manifest_text, read(current));
    DUET_ASSIGN(const DocumentKind kind, document_kind(current.media_type, manifest_text));
    if (kind == DocumentKind::kManifest) {
      return current;
    }
    DUET_ASSIGN(const Index index, parse_index(manifest_text));
    DUET_ASSIGN(const IndexEntry entry, select_entry(index, host_platform(), wanted));
    current = entry.descriptor;
  }
  return Error(ErrorCode::kUnsupported,
               "indexes nested deeper than " + std::to_string(kIndexDepthLimit) + " levels");
}

}  // namespace

Result<Image> read_image(const Descriptor& target, Wanted wanted, const DocumentReader& read) {
  std::string text;
  DUET_ASSIGN(const Descriptor descriptor, find_manifest(target, wanted, read, text));
  DUET_ASSIGN(const Manifest manifest, parse_manifest(text));
  Configuration configuration;
  if (has_configuration(manifest)) {
    DUET_ASSIGN(const std::string json, read(manifest.config));
    DUET_ASSIGN(configuration, parse_configuration(json));
  }
  DUET_ASSIGN(Image image, recognize(descriptor.digest, manifest, configuration));
  image.target_digest = target.digest;
  if (wanted == Wanted::kWasm && image.kind != ImageKind::kWasm) {
    return Error(ErrorCode::kUnsupported, "a container image, where WebAssembly was asked for (" +
                                              image.platform.os + "/" +
                                              image.platform.architecture + ")");
  }
  return image;
}

std::vector<Descriptor> content_of(const Image& image) {
  std::vector<Descriptor> blobs = {image.config_blob};
  if (image.kind == ImageKind::kWasm && image.module_path.empty()) {
    blobs.push_back(image.module_blob);
  }
  for (const Layer& layer : image.layers) {
    blobs.push_back(layer.blob);
  }
  return blobs;
}

}  // namespace duet::oci
