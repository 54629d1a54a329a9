#include "pod/image_preparer.h"

#include "object/annotations.h"
#include "oci/module.h"
#include "oci/reference.h"

namespace duet::pod {

namespace {

oci::Wanted wanted_of(const ImageRequest& request) {
  return request.wasm ? oci::Wanted::kWasm : oci::Wanted::kAny;
}

bool must_pull(const ImageRequest& request, const Result<oci::Image>& local) {
  const bool absent = !local.ok() && (local.error().code() == ErrorCode::kNotFound ||
                                      local.error().code() == ErrorCode::kCorrupt);
  return request.pull_policy == "Always" || (absent && request.pull_policy != "Never");
}

}  // namespace

Result<std::optional<ReadyImage>> ImagePreparer::prepare(const ImageRequest& request,
                                                         ImageSource source,
                                                         const std::stop_token& stop) {
  if (const auto reference = oci::parse_reference(request.reference); !reference.ok()) {
    return reference.error();
  }
  auto image = store_.resolve(request.reference, wanted_of(request));
  if (must_pull(request, image)) {
    if (source == ImageSource::kStore) {
      return std::optional<ReadyImage>();
    }
    image = pull(request, std::move(image), stop);
  }
  if (!image.ok()) {
    return image.error();
  }
  DUET_ASSIGN(auto ready, prepare_image(request, std::move(*image)));
  return std::optional(std::move(ready));
}

Result<ReadyImage> ImagePreparer::prepare_image(const ImageRequest& request, oci::Image image) {
  if (image.kind == oci::ImageKind::kWasm) {
    return prepare_module(request, std::move(image));
  }
  if (request.wasm) {
    return Error(ErrorCode::kUnsupported, "image \"" + request.reference +
                                              "\" is a container image, and the pod asks for Wasm");
  }
  return prepare_container(std::move(image));
}

// `local` is what is here, if anything is.
Result<oci::Image> ImagePreparer::pull(const ImageRequest& request, Result<oci::Image> local,
                                       const std::stop_token& stop) {
  oci::PullOptions options = options_.pull;
  options.wanted = wanted_of(request);
  options_.report("Pulling image \"" + request.reference + "\"");
  auto pulled = oci::pull(store_, request.reference, options, {}, stop);
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

Result<ReadyImage> ImagePreparer::prepare_module(const ImageRequest& request, oci::Image image) {
  DUET_ASSIGN(const sys::Fd module, oci::open_module(store_, image, options_.pull.helper));
  ReadyImage ready;
  ready.code_digest = image.module_blob.digest;
  if (!image.module_path.empty()) {
    DUET_ASSIGN(ready.code_digest, wasm::file_digest(module.get()));
  }
  DUET_ASSIGN(const oci::ModuleFormat format, oci::module_format(module.get()));
  ready.component = format == oci::ModuleFormat::kComponent;
  const auto use = request.wagi && !ready.component ? engine::Use::kWagi : engine::Use::kOwn;
  auto code = cache_.ensure(module.get(), ready.code_digest, use);
  if (!code.ok()) {
    return code.error().wrap("module of image \"" + image.name + "\"");
  }
  ready.kind = engine::is_handler(code->kind) ? WorkloadKind::kHandler : WorkloadKind::kProgram;
  if (request.wagi && ready.kind == WorkloadKind::kProgram) {
    return invalid("module of image \"" + image.name + "\": " + object::kHandlerAnnotation +
                   " is for core modules of WASI preview 1, and this is a component; build it "
                   "for wasm32-wasip1, or with wasi:http");
  }
  ready.asynchronous = code->kind == engine::Kind::kAsyncHandler;
  if (ready.asynchronous && !options_.async_handlers) {
    return invalid("module of image \"" + image.name +
                   "\": it exports wasi:http/handler 0.3, and gateway.asyncHandlers of this "
                   "node's configuration is false; build it for wasi:http 0.2, or allow it");
  }
  ready.image = std::move(image);
  return ready;
}

}  // namespace duet::pod
