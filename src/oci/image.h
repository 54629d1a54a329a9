#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace duet::oci {

// "sha256:<64 lower-case hex>" (OCI image spec, descriptor.md, Digests). Other algorithms are
// refused.
using Digest = std::string;

// OCI content descriptor, as far as duet uses it.
struct Descriptor {
  std::string media_type;
  Digest digest;
  int64_t size_bytes = 0;
  std::map<std::string, std::string> annotations;
};

// What an image was built for, in OCI's words (image-index.md; the values are Go's GOOS and
// GOARCH).
struct Platform {
  std::string os;            // linux, wasi, wasip1, wasip2
  std::string architecture;  // amd64, arm64, wasm
  std::string variant;       // v7, v8; mostly empty
  bool operator==(const Platform&) const = default;
};

// What an image is run as. See docs/images.md for the shapes that are recognised.
enum class ImageKind {
  kContainer,  // layers make a root file system
  kWasm,       // one WebAssembly module or component
};

// The `config` of an OCI image configuration.
struct ImageConfig {
  std::string user;
  std::vector<std::string> env;  // K=V
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::string working_dir;
  std::vector<std::string> exposed_ports;  // "8080/tcp"
  std::vector<std::string> volumes;
  std::string stop_signal;
  std::map<std::string, std::string> labels;
};

// One layer of a container image.
struct Layer {
  Descriptor blob;  // compressed, in the content store
  Digest diff_id;   // of the uncompressed tar
};

// An image whose blobs are all in the content store, for this machine's platform.
struct Image {
  std::string name;        // as asked for, normalised: docker.io/library/redis:7
  Digest manifest_digest;  // of the platform's manifest; the image's ID
  Digest target_digest;    // what the registry calls the name: of the index, if there is one
  Descriptor config_blob;  // the configuration document
  Platform platform;
  std::string created;     // RFC 3339 as the image's configuration says; may be empty
  int64_t size_bytes = 0;  // of configuration and layers as stored (compressed)
  ImageKind kind = ImageKind::kContainer;
  ImageConfig config;
  // Lowest first. Also filled for kWasm when the module is a file in a layer.
  std::vector<Layer> layers;
  // kWasm: where the module is. `module_path` is empty when the blob itself is the module; else the
  // module is the file of that path (relative to the root, no leading slash) in the topmost layer
  // that has it (an ordinary image whose entrypoint is a .wasm), and module_blob is the topmost
  // layer. oci/module.h reads the module of either.
  Descriptor module_blob;
  std::string module_path;
};

}  // namespace duet::oci
