#include "cli/workload.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>

#include "cli/image_options.h"
#include "oci/module.h"
#include "sys/file.h"
#include "sys/process.h"

namespace duet::cli {
namespace {

bool is_file(const std::string& path) {
  struct stat info{};
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

Result<Workload> from_file(const std::string& path) {
  Workload out{.name = path.substr(path.rfind('/') + 1)};
  DUET_ASSIGN(out.module, sys::open_file(path, O_RDONLY));
  DUET_TRY(oci::module_format(out.module.get()));
  DUET_ASSIGN(out.digest, wasm::file_digest(out.module.get()));
  return out;
}

Result<Workload> from_image(const Invocation& invocation, const std::string& word) {
  DUET_ASSIGN(auto store, open_images(invocation));
  const auto options = pull_options(invocation);
  DUET_ASSIGN(oci::Image image, resolve_or_pull(store, word, options));
  Workload out{.name = word.substr(word.rfind('/') + 1)};
  if (image.kind == oci::ImageKind::kWasm) {
    auto module = oci::open_module(store, image, options.helper);
    if (!module.ok()) {
      return command_error(module.error());
    }
    out.module = std::move(*module);
    out.digest = image.module_blob.digest;
    if (!image.module_path.empty()) {
      DUET_ASSIGN(out.digest, wasm::file_digest(out.module.get()));
    }
  }
  out.image = std::move(image);
  return out;
}

}  // namespace

Result<Workload> find_workload(const Invocation& invocation, const std::string& word) {
  if (is_file(word)) {
    auto file = from_file(word);
    return file.ok() ? std::move(file) : command_error(file.error().wrap(word));
  }
  // A person who writes a path or a suffix means a file, not something on Docker Hub.
  if (word.starts_with("/") || word.starts_with("./") || word.starts_with("../") ||
      word.ends_with(".wasm")) {
    return not_found("error: there is no file " + word);
  }
  return from_image(invocation, word);
}

Result<std::unique_ptr<wasm::CodeCache>> open_code_cache(const Invocation& invocation,
                                                         const sys::Clock& clock) {
  const SitePaths paths = invocation.paths();
  DUET_TRY(sys::make_directories(paths.state, 0755));
  DUET_ASSIGN(const std::string helpers, sys::executable_directory());
  auto cache = wasm::CodeCache::open({.directory = paths.code(),
                                      .key_file = paths.key_file(),
                                      .compiler = helpers + "/duet-compile"},
                                     clock);
  return cache.ok() ? std::move(cache) : command_error(cache.error());
}

Result<std::vector<std::pair<std::string, std::string>>> read_environment(
    const Invocation& invocation) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& entry : invocation.values("env")) {
    const size_t equals = entry.find('=');
    if (equals == 0 || entry.empty()) {
      return invalid("--env must be KEY=VALUE, not \"" + entry + "\"");
    }
    if (equals != std::string::npos) {
      out.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
    } else if (const char* value = std::getenv(entry.c_str()); value != nullptr) {
      out.emplace_back(entry, value);
    }
  }
  return out;
}

}  // namespace duet::cli
