#pragma once

#include <functional>
#include <optional>
#include <string>

#include "container/layer_store.h"
#include "oci/content_store.h"
#include "oci/puller.h"
#include "pod/images.h"
#include "wasm/code_cache.h"

namespace duet::pod {

struct ImagePreparerOptions {
  oci::PullOptions pull;
  bool async_handlers = true;  // false: components of wasi:http 0.3 are refused
  // Told in one sentence what is worth telling: a pull that begins or has ended. Any thread.
  std::function<void(const std::string&)> report;
};

// From a name to something that can be started: pulls by the policy, then unpacks layers or
// compiles the module. Thread-safe. `layers` is null where no containers can run. What it is given
// must outlive it.
class ImagePreparer {
 public:
  ImagePreparer(oci::ContentStore& store, container::LayerStore* layers, wasm::CodeCache& cache,
                ImagePreparerOptions options)
      : store_(store), layers_(layers), cache_(cache), options_(std::move(options)) {}

  // A PrepareImage. The errors are those of image_wait_of. With the policy Always, a registry that
  // cannot be reached is no error when the image is here: a site must start without a network.
  Result<std::optional<ReadyImage>> prepare(const ImageRequest& request, ImageSource source,
                                            const std::stop_token& stop);

 private:
  Result<oci::Image> pull(const ImageRequest& request, Result<oci::Image> local,
                          const std::stop_token& stop);
  Result<ReadyImage> prepare_image(const ImageRequest& request, oci::Image image);
  Result<ReadyImage> prepare_container(oci::Image image);
  Result<ReadyImage> prepare_module(const ImageRequest& request, oci::Image image);

  oci::ContentStore& store_;
  container::LayerStore* layers_;
  wasm::CodeCache& cache_;
  ImagePreparerOptions options_;
};

}  // namespace duet::pod
