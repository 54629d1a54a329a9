#include "pod/image_garbage.h"

#include <chrono>
#include <utility>
#include <vector>

#include "container/rootfs.h"
#include "sys/file.h"

namespace duet::pod {

namespace {

// The folders in `folder`, as paths; none when it does not exist.
std::vector<std::string> children_of(const std::string& folder) {
  const auto names = sys::list_directory(folder);
  const std::string prefix = folder + "/";
  std::vector<std::string> paths;
  for (const auto& name : names.value_or({})) {
    paths.push_back(prefix + name);
  }
  return paths;
}

// Where the root file systems of containers are: of pods, and of `duet run`.
std::vector<std::string> bundles_of(const std::string& state) {
  std::vector<std::string> bundles = children_of(state + "/run");
  for (const auto& pod : children_of(state + "/pods")) {
    const auto own = children_of(pod + "/containers");
    bundles.insert(bundles.end(), own.begin(), own.end());
  }
  return bundles;
}

}  // namespace

ImageGarbage::ImageGarbage(oci::ContentStore& images, container::LayerStore* layers,
                           std::string state, const sys::Clock& clock, ImageGarbageOptions options)
    : images_(images),
      layers_(layers),
      state_(std::move(state)),
      clock_(clock),
      options_(std::move(options)) {}

ImageGarbage::~ImageGarbage() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void ImageGarbage::start() {
  thread_ = std::thread([this] { run(); });
}

void ImageGarbage::run() {
  std::unique_lock lock(mutex_);
  const auto interval = std::chrono::milliseconds(options_.interval_ms);
  while (!stop_.wait_for(lock, interval, [this] { return stopping_; })) {
    lock.unlock();
    const Status collected = collect();
    if (!collected.ok()) {
      options_.report("images cannot be cleaned up: " + collected.error().message());
    }
    lock.lock();
  }
}

Result<std::set<oci::Digest>> ImageGarbage::needed_layers() const {
  std::set<oci::Digest> needed;
  DUET_ASSIGN(const auto names, images_.list());
  for (const auto& one : names) {
    const auto image = images_.resolve(one.name);
    if (image.ok()) {
      for (const auto& layer : image->layers) {
        needed.insert(layer.diff_id);
      }
    }
  }
  for (const auto& bundle : bundles_of(state_)) {
    for (const auto& tree : container::layers_below(bundle)) {
      needed.insert(layers_->diff_id_of(tree));
    }
  }
  return needed;
}

Status ImageGarbage::collect() {
  DUET_ASSIGN(const auto blobs, images_.collect_garbage({}, clock_.now()));
  int trees = 0;
  if (layers_ != nullptr) {
    DUET_ASSIGN(const auto needed, needed_layers());
    DUET_ASSIGN(trees, layers_->collect_garbage(needed, options_.unused_ms));
  }
  if (blobs.blobs_removed > 0 || trees > 0) {
    options_.report("removed what no image needs: " + std::to_string(blobs.blobs_removed) +
                    " blobs (" + std::to_string(blobs.bytes_removed >> 20) + " MiB), " +
                    std::to_string(trees) + " unpacked layers");
  }
  return {};
}

}  // namespace duet::pod
