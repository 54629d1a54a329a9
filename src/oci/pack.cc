#include "oci/pack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "oci/digest.h"
#include "oci/json_reader.h"
#include "oci/manifest.h"
#include "oci/module.h"
#include "oci/reference.h"
#include "sys/file.h"

namespace duet::oci {

namespace {

using nlohmann::json;

constexpr std::string_view kWasmConfig = "application/vnd.wasm.config.v0+json";
constexpr std::string_view kWasmLayer = "application/wasm";

json descriptor_json(const Descriptor& blob) {
  return {{"mediaType", blob.media_type}, {"digest", blob.digest}, {"size", blob.size_bytes}};
}

Result<Descriptor> store_module(ContentStore& store, int fd) {
  DUET_ASSIGN(Digest digest, digest_of_file(fd, kModuleSizeLimitBytes));
  const off_t size_bytes = ::lseek(fd, 0, SEEK_CUR);
  ::lseek(fd, 0, SEEK_SET);
  Descriptor blob{std::string(kWasmLayer), std::move(digest), size_bytes, {}};
  DUET_TRY(store.put_blob_from(blob, fd));
  return blob;
}

// The configuration of the CNCF Wasm OCI artifact. Its list of imports and exports is optional.
json config_json(ModuleFormat format, const Descriptor& module, const PackOptions& options) {
  json config = {{"architecture", "wasm"},
                 {"os", format == ModuleFormat::kCore ? "wasip1" : "wasip2"},
                 {"layerDigests", json::array({module.digest})}};
  if (!options.created.empty()) {
    config["created"] = options.created;
  }
  return config;
}

Result<Descriptor> store_manifest(ContentStore& store, const Descriptor& config,
                                  const Descriptor& module, const PackOptions& options) {
  json manifest = {{"schemaVersion", 2},
                   {"mediaType", kOciManifest},
                   {"config", descriptor_json(config)},
                   {"layers", json::array({descriptor_json(module)})}};
  if (!options.annotations.empty()) {
    manifest["annotations"] = options.annotations;
  }
  return store.put_blob(std::string(kOciManifest), dump_line(manifest));
}

}  // namespace

Result<Image> pack_module(ContentStore& store, const std::string& wasm_path,
                          const PackOptions& options) {
  DUET_ASSIGN(const std::string name, normalize_reference(options.name));
  DUET_ASSIGN(const sys::Fd file, sys::open_file(wasm_path, O_RDONLY | O_NONBLOCK));
  const auto pack = [&]() -> Status {
    struct stat info{};
    if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
      return invalid("not a regular file");
    }
    DUET_ASSIGN(const ModuleFormat format, module_format(file.get()));
    DUET_ASSIGN(const auto writing, store.begin_writing());
    DUET_ASSIGN(const Descriptor module, store_module(store, file.get()));
    DUET_ASSIGN(
        const Descriptor config,
        store.put_blob(std::string(kWasmConfig), dump_line(config_json(format, module, options))));
    DUET_ASSIGN(const Descriptor manifest, store_manifest(store, config, module, options));
    return store.set_name(name, manifest);
  };
  if (const auto status = pack(); !status.ok()) {
    return status.error().wrap("pack " + wasm_path);
  }
  return store.resolve(name);
}

}  // namespace duet::oci
