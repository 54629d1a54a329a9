#include "oci/shape.h"

#include <algorithm>
#include <array>

#include "oci/digest.h"
#include "oci/platform.h"

namespace duet::oci {

namespace {

constexpr std::array<std::string_view, 4> kModuleTypes = {
    "application/wasm",                                               // CNCF TAG Runtime
    "application/vnd.wasm.content.layer.v1+wasm",                     // wasm-to-oci, Krustlet
    "application/vnd.module.wasm.content.layer.v1+wasm",              // Solo.io's wasm image spec
    "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm",  // runwasi's own
};
constexpr std::string_view kSpinConfig = "application/vnd.fermyon.spin.application.v1+config";
constexpr std::string_view kVariantKey = "module.wasm.image/variant";
constexpr std::string_view kCompatModule = "plugin.wasm";

Error unsupported(std::string message) { return {ErrorCode::kUnsupported, std::move(message)}; }

std::string found_text(const Manifest& manifest) {
  constexpr size_t kShown = 5;
  std::string text = "artifactType \"" + manifest.artifact_type + "\", config \"" +
                     manifest.config.media_type + "\", layers";
  for (size_t i = 0; i < manifest.layers.size() && i < kShown; ++i) {
    text += (i == 0 ? " \"" : ", \"") + manifest.layers[i].media_type + "\"";
  }
  return text + (manifest.layers.empty() ? " none"
                 : manifest.layers.size() > kShown
                     ? " and " + std::to_string(manifest.layers.size() - kShown) + " more"
                     : "");
}

bool is_image_config(const std::string& media_type) {
  return media_type == kOciConfig || media_type == kDockerConfig;
}

bool is_layer(std::string_view media_type) {
  constexpr std::array<std::string_view, 8> kTypes = {
      "application/vnd.oci.image.layer.v1.tar",
      "application/vnd.oci.image.layer.v1.tar+gzip",
      "application/vnd.oci.image.layer.v1.tar+zstd",
      "application/vnd.oci.image.layer.nondistributable.v1.tar",
      "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
      "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
      "application/vnd.docker.image.rootfs.diff.tar",
      "application/vnd.docker.image.rootfs.diff.tar.gzip",
  };
  return std::find(kTypes.begin(), kTypes.end(), media_type) != kTypes.end();
}

// `path` in an image as a path relative to its root without "." and "..".
std::string clean_path(const std::string& path, const std::string& working_dir) {
  const std::string whole = path.starts_with('/') ? path : working_dir + "/" + path;
  std::vector<std::string> parts;
  for (size_t start = 0; start <= whole.size();) {
    const size_t end = std::min(whole.find('/', start), whole.size());
    const std::string part = whole.substr(start, end - start);
    if (part == ".." && !parts.empty()) {
      parts.pop_back();
    } else if (!part.empty() && part != "." && part != "..") {
      parts.push_back(part);
    }
    start = end + 1;
  }
  std::string clean;
  for (const std::string& part : parts) {
    clean += (clean.empty() ? "" : "/") + part;
  }
  return clean;
}

bool is_compat(const Manifest& manifest, const ImageConfig& config) {
  const auto says_so = [](const std::map<std::string, std::string>& map) {
    const auto found = map.find(std::string(kVariantKey));
    return found != map.end() && found->second.starts_with("compat");
  };
  return says_so(manifest.annotations) || says_so(config.labels);
}

// The module of an ordinary image: what it would execute, when that is a .wasm file.
std::string entry_module(const ImageConfig& config) {
  const auto& first = config.entrypoint.empty() ? config.cmd : config.entrypoint;
  if (first.empty() || !first[0].ends_with(".wasm")) {
    return "";
  }
  return clean_path(first[0], config.working_dir);
}

Status fill_layers(const Manifest& manifest, const Configuration& configuration, Image& image) {
  if (configuration.diff_ids.size() != manifest.layers.size()) {
    return Error(ErrorCode::kCorrupt,
                 "the configuration names " + std::to_string(configuration.diff_ids.size()) +
                     " layers, the manifest " + std::to_string(manifest.layers.size()));
  }
  for (size_t i = 0; i < manifest.layers.size(); ++i) {
    image.layers.push_back({manifest.layers[i], configuration.diff_ids[i]});
  }
  return {};
}

Status recognize_ordinary(const Manifest& manifest, const Configuration& configuration,
                          Image& image) {
  DUET_TRY(fill_layers(manifest, configuration, image));
  image.module_path = entry_module(image.config);
  if (image.module_path.empty() && is_compat(manifest, image.config)) {
    image.module_path = kCompatModule;
  }
  if (image.module_path.empty() && is_wasm_platform(image.platform)) {
    return unsupported("an image for " + image.platform.os + "/" + image.platform.architecture +
                       " must have a .wasm file as its entrypoint");
  }
  if (image.module_path.empty()) {
    image.kind = ImageKind::kContainer;
    return {};
  }
  if (image.layers.empty()) {
    return unsupported("its entrypoint is " + image.module_path + ", but it has no layers");
  }
  image.kind = ImageKind::kWasm;
  image.module_blob = image.layers.back().blob;
  return {};
}

}  // namespace

bool is_module_media_type(std::string_view media_type) {
  return std::find(kModuleTypes.begin(), kModuleTypes.end(), media_type) != kModuleTypes.end();
}

bool has_configuration(const Manifest& manifest) {
  const std::string& type = manifest.config.media_type;
  return is_image_config(type) ||
         (type.starts_with("application/vnd.wasm.config.") && type.ends_with("+json"));
}

Result<Image> recognize(const Digest& manifest_digest, const Manifest& manifest,
                        const Configuration& configuration) {
  Image image;
  image.manifest_digest = manifest_digest;
  image.target_digest = manifest_digest;
  image.config_blob = manifest.config;
  image.platform = configuration.platform;
  image.created = configuration.created;
  image.config = configuration.config;
  image.size_bytes = manifest.config.size_bytes;
  for (const Descriptor& layer : manifest.layers) {
    if (__builtin_add_overflow(image.size_bytes, layer.size_bytes, &image.size_bytes)) {
      return Error(ErrorCode::kCorrupt, "the sizes of the layers are beyond all reason");
    }
  }
  if (manifest.config.media_type == kSpinConfig) {
    return unsupported("a Spin application of several parts; build its component as one artifact");
  }
  const auto is_module = [](const Descriptor& layer) {
    return is_module_media_type(layer.media_type);
  };
  const auto modules = std::count_if(manifest.layers.begin(), manifest.layers.end(), is_module);
  if (modules == 1) {
    image.kind = ImageKind::kWasm;
    image.module_blob = *std::find_if(manifest.layers.begin(), manifest.layers.end(), is_module);
    return image;
  }
  if (modules > 1) {
    return unsupported(std::to_string(modules) + " WebAssembly modules in one image; one is run");
  }
  if (!is_image_config(manifest.config.media_type) ||
      !std::all_of(manifest.layers.begin(), manifest.layers.end(),
                   [](const Descriptor& layer) { return is_layer(layer.media_type); })) {
    return unsupported("neither a container image nor a Wasm artifact: " + found_text(manifest));
  }
  DUET_TRY(recognize_ordinary(manifest, configuration, image));
  return image;
}

}  // namespace duet::oci
