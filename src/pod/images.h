#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "oci/image.h"
#include "sys/clock.h"

// Images made ready to run: pulled, unpacked or compiled, each only once, away from the workers.
namespace duet::pod {

// How an image's content is run.
enum class WorkloadKind {
  kContainer,
  kProgram,  // a Wasm program, in a sandbox process
  kHandler,  // a Wasm request handler, in the gateway
};

struct ReadyImage {
  oci::Image image;
  WorkloadKind kind = WorkloadKind::kContainer;
  std::string code_digest;  // of the module, for programs and handlers: names its code in the cache
  bool component = false;   // a component, not a core module
  bool asynchronous = false;        // a handler of wasi:http 0.3
  std::vector<std::string> layers;  // unpacked trees, for containers
};

struct ImageRequest {
  std::string reference;
  std::string pull_policy;  // Always, IfNotPresent, Never
  bool wasm = false;        // the pod insists on Wasm
  bool wagi = false;        // a core module's program is to be a handler
  auto operator<=>(const ImageRequest&) const = default;
};

// Why an image is not ready, in the words that Kubernetes shows as a waiting container's reason.
struct ImageWait {
  std::string reason;  // ContainerCreating, ErrImagePull, ImagePullBackOff, ErrImageNeverPull,
                       // InvalidImageName, ...
  std::string message;
};

// Either a ready image or why not.
struct ImageState {
  std::shared_ptr<const ReadyImage> ready;
  ImageWait wait;
};

enum class ImageSource {
  kStore,     // what is here; no network
  kRegistry,  // pulled first
};

// Brings one image to readiness; blocks, with kRegistry for minutes. Nothing: it is not in the
// store and has to come from its registry. A pull ends early when a stop is requested. Called from
// several threads.
using PrepareImage = std::function<Result<std::optional<ReadyImage>>(
    const ImageRequest&, ImageSource, const std::stop_token& stop)>;

struct ImagesOptions {
  int worker_limit = 2;               // images prepared at the same time
  int pull_limit = 4;                 // and those that come from registries, which may be far away
  size_t request_limit = 10'000;      // remembered
  int64_t backoff_first_ms = 10'000;  // after a failure; doubles
  int64_t backoff_limit_ms = 300'000;
  // Changes when a name in the store may mean another image; none: names never change.
  std::function<std::string()> revision;
};

// Thread-safe.
class Images {
 public:
  // `clock` must outlive it.
  static std::unique_ptr<Images> start(PrepareImage prepare, const sys::Clock& clock,
                                       ImagesOptions options = {});
  // Stops pulls, and waits for the images that are being prepared.
  virtual ~Images() = default;

  // What is known of the image now. Starts preparing it if nobody did or its back-off is over, and
  // calls `done` (on another thread) when the state has changed. A ready image stays ready until
  // forget().
  virtual ImageState ensure(const ImageRequest& request, std::function<void()> done) = 0;

  // The image as it is known, without starting anything.
  virtual std::optional<ImageState> find(const ImageRequest& request) const = 0;

  // Next ensure() looks again: for Always before a new start, and when something the image needs
  // was removed.
  virtual void forget(const ImageRequest& request) = 0;
  // The same, if names have changed since it was prepared: before a new pod's start.
  virtual void refresh(const ImageRequest& request) = 0;
};

// The reason a Kubernetes user expects for a failed preparation.
ImageWait image_wait_of(const ImageRequest& request, const Error& error);

}  // namespace duet::pod
