#include "pod/image_preparer.h"

#include "oci/module.h"
#include "oci/reference.h"

namespace duet::pod {

Result<ReadyImage> ImagePreparer::prepare(const ImageRequest& request) {
  DUET_TRY([&]() -> Status {
    const auto reference = oci::parse_reference(request.reference);
    return reference.ok() ? Status() : reference.error();
  }());
  DUET_ASSIGN(oci::Image image, find_or_pull(request));
  if (image.kind == oci::ImageKind::kWasm) {
    return prepare_module(std::move(image));
  }
  if (request.wasm) {
    return Error(ErrorCode::kUnsupported, "image \"" + request.reference +
                                              "\" is a container image, and the pod asks for Wasm");
  }
  return prepare_container(std::move(image));
}

Result<oci::Image> ImagePreparer::find_or_pull(const ImageRequest& request) {
  const oci::Wanted wanted = request.wasm ? oci::Wanted::kWasm : oci::Wanted::kAny;
  auto local = store_.resolve(request.reference, wanted);
  const bool absent = !local.ok() && (local.error().code() == ErrorCode::kNotFound ||
                                      local.error().code() == ErrorCode::kCorrupt);
  const bool pulls = request.pull_policy == "Always" || (absent && request.pull_policy != "Never");
  if (!pulls) {
    return local;
  }
  oci::PullOptions options = options_.pull;
  options.wanted = wanted;
  options_.report("Pulling image \"" + request.reference + "\"");
  auto pulled = oci::pull(store_, request.reference, options);
  if (pulled.ok()) {
    options_.report("Successfully pulled image \"" + request.reference + "\"");
    return pulled;
  }
  const bool unreachable = pulled.error().code() == ErrorCode::kUnavailable ||
                           pulled.error().code() == ErrorCode::kTimeout;
  if (local.ok() && unreachable) {
    options_.report("Cannot reach the registry of \"" + request.reference +
                    "\", taking the image that is here: " + pulled.error().message());
    return local;
  }
  return pulled;
}

Result<ReadyImage> ImagePreparer::prepare_container(oci::Image image) {
  if (layers_ == nullptr) {
    return Error(ErrorCode::kUnsupported,
                 "image \"" + image.name +
                     "\" is a container image, and this node runs Wasm only "
                     "(containers need root and an OCI runtime)");
  }
  const auto blobs = [this](const oci::Descriptor& blob) { return store_.open_blob(blob); };
  ReadyImage ready;
  DUET_ASSIGN(ready.layers, layers_->ensure(image, blobs));
  ready.image = std::move(image);
  return ready;
}

Result<ReadyImage> ImagePreparer::prepare_module(oci::Image image) {
  DUET_ASSIGN(const sys::Fd module, oci::open_module(store_, image, options_.pull.helper));
  ReadyImage ready;
  ready.code_digest = image.module_blob.digest;
  if (!image.module_path.empty()) {
    DUET_ASSIGN(ready.code_digest, wasm::file_digest(module.get()));
  }
  auto code = cache_.ensure(module.get(), ready.code_digest);
  if (!code.ok()) {
    return code.error().wrap("module of image \"" + image.name + "\"");
  }
  ready.kind =
      code->kind == engine::Kind::kHandler ? WorkloadKind::kHandler : WorkloadKind::kProgram;
  ready.component = code->kind != engine::Kind::kModuleProgram;
  ready.image = std::move(image);
  return ready;
}

}  // namespace duet::pod
