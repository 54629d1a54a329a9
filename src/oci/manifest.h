#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "oci/image.h"

// The documents of an image as values, read from untrusted bytes. Functions are pure; kCorrupt says
// what is wrong with a document, kUnsupported names what duet does not do.
namespace duet::oci {

inline constexpr int64_t kManifestLimitBytes = 4 << 20;  // manifest, index and configuration, each
inline constexpr size_t kLayerLimit = 127;               // layers of an image, as Docker's limit
inline constexpr size_t kIndexEntryLimit = 4096;         // manifests of an index
inline constexpr int kDocumentDepthLimit = 32;           // nested objects and arrays

inline constexpr std::string_view kOciIndex = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kOciManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kOciConfig = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view kDockerIndex =
    "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view kDockerManifest =
    "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view kDockerConfig = "application/vnd.docker.container.image.v1+json";
inline constexpr std::string_view kRefNameAnnotation = "org.opencontainers.image.ref.name";

// One manifest that an index offers.
struct IndexEntry {
  Descriptor descriptor;
  std::optional<Platform> platform;
  std::string artifact_type;
};

// OCI image index or Docker manifest list.
struct Index {
  std::vector<IndexEntry> entries;
};

// OCI image manifest or Docker manifest, schema 2.
struct Manifest {
  std::string media_type;
  std::string artifact_type;
  Descriptor config;
  std::vector<Descriptor> layers;  // lowest first
  std::map<std::string, std::string> annotations;
};

// The configuration document, as far as duet uses it. Wasm artifacts have only some of it.
struct Configuration {
  Platform platform;
  std::string created;
  ImageConfig config;
  std::vector<Digest> diff_ids;
};

// What a document with this media type (or, without one, this content) is.
enum class DocumentKind { kIndex, kManifest };
// `media_type` may be empty: then the document's own mediaType and fields decide.
Result<DocumentKind> document_kind(std::string_view media_type, std::string_view json);

Result<Index> parse_index(std::string_view json);
Result<Manifest> parse_manifest(std::string_view json);
Result<Configuration> parse_configuration(std::string_view json);

// An index.json or index document again, in a stable order. Keeps what parse_index reads.
std::string index_json(const Index& index);

}  // namespace duet::oci
