#include "oci/module.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "oci/helper_process.h"

namespace duet::oci {

namespace {

std::string looks_like(std::string_view start) {
  if (start.empty()) {
    return "it is empty";
  }
  if (start.starts_with("\x7f"
                        "ELF")) {
    return "it is a program for Linux";
  }
  if (start.starts_with("(module") || start.starts_with("(compon")) {
    return "it is WebAssembly text; convert it with wat2wasm";
  }
  if (start.starts_with("\x1f\x8b")) {
    return "it is compressed with gzip";
  }
  return "it does not begin with the WebAssembly magic number";
}

Result<sys::Fd> seal(sys::Fd file) {
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) !=
      0) {
    return Error::from_errno("seal the module", errno);
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

Result<sys::Fd> extract(const ContentStore& store, const Image& image, const Helper& helper) {
  for (auto layer = image.layers.rbegin(); layer != image.layers.rend(); ++layer) {
    sys::Fd out(::memfd_create("duet-module", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!out.valid()) {
      return Error::from_errno("make a memory file", errno);
    }
    DUET_ASSIGN(const sys::Fd blob, store.open_blob(layer->blob));
    const ModuleRequest request{.path = image.module_path,
                                .size_limit_bytes = kModuleSizeLimitBytes};
    auto event = run_helper(helper, {.module = request}, out.get(), blob.get(), kModuleTimeoutMs);
    if (!event.ok()) {
      return event.error().wrap("layer " + layer->blob.digest);
    }
    if (event->answer == LayerAnswer::kFound) {
      return seal(std::move(out));
    }
    if (event->answer == LayerAnswer::kRemoved) {
      break;
    }
  }
  return invalid("no file " + image.module_path + " in its layers");
}

}  // namespace

Result<sys::Fd> open_module(const ContentStore& store, const Image& image, const Helper& helper) {
  if (image.kind != ImageKind::kWasm) {
    return invalid("image " + image.name + " is a container image, not WebAssembly");
  }
  const auto open = [&]() -> Result<sys::Fd> {
    if (image.module_blob.size_bytes > kModuleSizeLimitBytes && image.module_path.empty()) {
      return Error(ErrorCode::kExhausted,
                   "the module is larger than " + std::to_string(kModuleSizeLimitBytes) + " bytes");
    }
    auto file = image.module_path.empty() ? store.open_blob(image.module_blob)
                                          : extract(store, image, helper);
    if (file.ok()) {
      if (const auto format = module_format(file->get()); !format.ok()) {
        return Error(ErrorCode::kCorrupt, format.error().message());
      }
    }
    return file;
  };
  auto file = open();
  if (!file.ok()) {
    return file.error().wrap("image " + image.name);
  }
  return file;
}

Result<ModuleFormat> module_format(int fd) {
  std::array<char, 8> start{};
  ssize_t got = 0;
  do {
    got = ::pread(fd, start.data(), start.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    return Error::from_errno("read the module", errno);
  }
  const std::string_view bytes(start.data(), static_cast<size_t>(got));
  if (!bytes.starts_with(std::string_view("\0asm", 4)) || bytes.size() < 8) {
    return invalid("not a WebAssembly file: " + looks_like(bytes));
  }
  // Version 1 of layer 0 is a core module; layer 1 is a component (component model, Binary.md).
  if (bytes.substr(4) == std::string_view("\x01\0\0\0", 4)) {
    return ModuleFormat::kCore;
  }
  if (bytes[6] == 1 && bytes[7] == 0) {
    return ModuleFormat::kComponent;
  }
  return invalid("a WebAssembly file of unknown version");
}

}  // namespace duet::oci
