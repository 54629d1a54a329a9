#include "oci/manifest.h"

#include <nlohmann/json.hpp>

#include "oci/digest.h"
#include "oci/json_reader.h"

namespace duet::oci {

namespace {

using nlohmann::json;

Error corrupt(std::string message) { return {ErrorCode::kCorrupt, std::move(message)}; }

Result<json> parse_document(std::string_view text, const char* what) {
  if (text.size() > static_cast<size_t>(kManifestLimitBytes)) {
    return Error(ErrorCode::kExhausted, std::string(what) + ": larger than " +
                                            std::to_string(kManifestLimitBytes) + " bytes");
  }
  auto document = parse_object(text);
  if (!document.ok()) {
    return document.error().wrap(what);
  }
  return document;
}

Result<Descriptor> read_descriptor(const json& value) {
  if (!value.is_object()) {
    return corrupt("descriptor is not an object");
  }
  Descriptor descriptor;
  DUET_ASSIGN(descriptor.media_type, string_member(value, "mediaType"));
  DUET_ASSIGN(descriptor.digest, string_member(value, "digest"));
  DUET_ASSIGN(descriptor.size_bytes, size_member(value, "size"));
  DUET_ASSIGN(descriptor.annotations, map_member(value, "annotations"));
  if (!is_digest(descriptor.digest)) {
    return Error(
        descriptor.digest.starts_with("sha512:") ? ErrorCode::kUnsupported : ErrorCode::kCorrupt,
        "digest \"" + descriptor.digest + "\" is not a SHA-256 digest");
  }
  if (!member(value, "size").is_number()) {
    return corrupt("descriptor of " + descriptor.digest + " has no size");
  }
  return descriptor;
}

Result<Platform> read_platform(const json& value) {
  Platform platform;
  DUET_ASSIGN(platform.os, string_member(value, "os"));
  DUET_ASSIGN(platform.architecture, string_member(value, "architecture"));
  DUET_ASSIGN(platform.variant, string_member(value, "variant"));
  return platform;
}

// Docker's first manifest format is signed and has no digests of its own content.
Status check_schema(const json& document) {
  const json& version = member(document, "schemaVersion");
  if (version.is_number_integer() && version == 1) {
    return Error(ErrorCode::kUnsupported,
                 "Docker image manifest schema 1 is not supported: push the image again with a "
                 "current tool");
  }
  return {};
}

// Keys of an object used as a set: {"80/tcp": {}}.
Result<std::vector<std::string>> keys_member(const json& object, const char* key) {
  const json& value = member(object, key);
  std::vector<std::string> keys;
  if (!value.is_null() && !value.is_object()) {
    return corrupt(std::string(key) + " is not an object");
  }
  for (const auto& [name, unused] : value.items()) {
    keys.push_back(name);
  }
  return keys;
}

Result<ImageConfig> read_image_config(const json& value) {
  if (!value.is_null() && !value.is_object()) {
    return corrupt("config is not an object");
  }
  ImageConfig config;
  DUET_ASSIGN(config.user, string_member(value, "User"));
  DUET_ASSIGN(config.env, strings_member(value, "Env"));
  DUET_ASSIGN(config.entrypoint, strings_member(value, "Entrypoint"));
  DUET_ASSIGN(config.cmd, strings_member(value, "Cmd"));
  DUET_ASSIGN(config.working_dir, string_member(value, "WorkingDir"));
  DUET_ASSIGN(config.exposed_ports, keys_member(value, "ExposedPorts"));
  DUET_ASSIGN(config.volumes, keys_member(value, "Volumes"));
  DUET_ASSIGN(config.stop_signal, string_member(value, "StopSignal"));
  DUET_ASSIGN(config.labels, map_member(value, "Labels"));
  return config;
}

Result<IndexEntry> read_entry(const json& item) {
  IndexEntry entry;
  DUET_ASSIGN(entry.descriptor, read_descriptor(item));
  DUET_ASSIGN(entry.artifact_type, string_member(item, "artifactType"));
  const json& platform = member(item, "platform");
  if (!platform.is_null()) {
    DUET_ASSIGN(entry.platform, read_platform(platform));
  }
  return entry;
}

}  // namespace

Result<DocumentKind> document_kind(std::string_view media_type, std::string_view text) {
  DUET_ASSIGN(const json document, parse_document(text, "manifest"));
  DUET_TRY(check_schema(document));
  DUET_ASSIGN(const std::string own_type, string_member(document, "mediaType"));
  const bool lists = !member(document, "manifests").is_null();
  const bool holds = !member(document, "layers").is_null() || !member(document, "config").is_null();
  // A document that is both was made to be read in two ways (CVE-2021-41190).
  if (lists && holds) {
    return corrupt("manifest: it is an index and an image at once");
  }
  const std::string_view type = media_type.empty() ? std::string_view(own_type) : media_type;
  if (type == kOciIndex || type == kDockerIndex || (type.empty() && lists)) {
    return DocumentKind::kIndex;
  }
  if (type == kOciManifest || type == kDockerManifest || (type.empty() && holds)) {
    return DocumentKind::kManifest;
  }
  if (type.empty()) {
    return corrupt("manifest: neither an index nor an image");
  }
  return Error(ErrorCode::kUnsupported,
               "manifest: media type " + std::string(type) + " is not one of images");
}

Result<Index> parse_index(std::string_view text) {
  DUET_ASSIGN(const json document, parse_document(text, "index"));
  const json& manifests = member(document, "manifests");
  if (!manifests.is_array() && !manifests.is_null()) {
    return corrupt("index: manifests is not a list");
  }
  if (!member(document, "layers").is_null() || !member(document, "config").is_null()) {
    return corrupt("index: it is an image manifest at once");
  }
  if (manifests.size() > kIndexEntryLimit) {
    return Error(ErrorCode::kExhausted,
                 "index: more than " + std::to_string(kIndexEntryLimit) + " manifests");
  }
  Index index;
  for (const json& item : manifests) {
    auto entry = read_entry(item);
    if (!entry.ok()) {
      return entry.error().wrap("index: manifests[" + std::to_string(index.entries.size()) + "]");
    }
    index.entries.push_back(std::move(entry).value());
  }
  return index;
}

Result<Manifest> parse_manifest(std::string_view text) {
  DUET_ASSIGN(const json document, parse_document(text, "manifest"));
  DUET_TRY(check_schema(document));
  if (!member(document, "manifests").is_null()) {
    return corrupt("manifest: it is an index");
  }
  Manifest manifest;
  DUET_ASSIGN(manifest.media_type, string_member(document, "mediaType"));
  DUET_ASSIGN(manifest.artifact_type, string_member(document, "artifactType"));
  DUET_ASSIGN(manifest.annotations, map_member(document, "annotations"));
  auto config = read_descriptor(member(document, "config"));
  if (!config.ok()) {
    return config.error().wrap("manifest: config");
  }
  manifest.config = std::move(config).value();
  const json& layers = member(document, "layers");
  if (!layers.is_array() && !layers.is_null()) {
    return corrupt("manifest: layers is not a list");
  }
  if (layers.size() > kLayerLimit) {
    return Error(ErrorCode::kExhausted, "manifest: " + std::to_string(layers.size()) +
                                            " layers, more than " + std::to_string(kLayerLimit));
  }
  for (const json& item : layers) {
    auto layer = read_descriptor(item);
    if (!layer.ok()) {
      return layer.error().wrap("manifest: layers[" + std::to_string(manifest.layers.size()) + "]");
    }
    manifest.layers.push_back(std::move(layer).value());
  }
  return manifest;
}

Result<Configuration> parse_configuration(std::string_view text) {
  DUET_ASSIGN(const json document, parse_document(text, "configuration"));
  Configuration configuration;
  DUET_ASSIGN(configuration.platform, read_platform(document));
  DUET_ASSIGN(configuration.created, string_member(document, "created"));
  auto config = read_image_config(member(document, "config"));
  if (!config.ok()) {
    return config.error().wrap("configuration");
  }
  configuration.config = std::move(config).value();
  DUET_ASSIGN(configuration.diff_ids, strings_member(member(document, "rootfs"), "diff_ids"));
  for (const Digest& diff_id : configuration.diff_ids) {
    if (!is_digest(diff_id)) {
      return corrupt("configuration: diff_ids: \"" + diff_id + "\" is not a SHA-256 digest");
    }
  }
  return configuration;
}

std::string index_json(const Index& index) {
  json manifests = json::array();
  for (const IndexEntry& entry : index.entries) {
    json item = {{"mediaType", entry.descriptor.media_type},
                 {"digest", entry.descriptor.digest},
                 {"size", entry.descriptor.size_bytes}};
    if (entry.platform) {
      item["platform"] = {{"os", entry.platform->os},
                          {"architecture", entry.platform->architecture}};
      if (!entry.platform->variant.empty()) {
        item["platform"]["variant"] = entry.platform->variant;
      }
    }
    if (!entry.artifact_type.empty()) {
      item["artifactType"] = entry.artifact_type;
    }
    if (!entry.descriptor.annotations.empty()) {
      item["annotations"] = entry.descriptor.annotations;
    }
    manifests.push_back(std::move(item));
  }
  const json document = {
      {"schemaVersion", 2}, {"mediaType", kOciIndex}, {"manifests", std::move(manifests)}};
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace duet::oci
