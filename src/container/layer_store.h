#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "oci/image.h"
#include "sys/clock.h"
#include "sys/fd.h"

namespace duet::container {

// Opens a blob of the content store for reading.
using BlobOpener = std::function<Result<sys::Fd>(const oci::Descriptor& blob)>;

// Opens blobs of an OCI image layout: <layout>/blobs/sha256/<hex>.
BlobOpener blobs_of_layout(std::string layout);

// Bounds on one layer, enforced by the unpacker.
struct UnpackLimits {
  int64_t entry_limit = 2'000'000;
  int64_t size_bytes = int64_t{64} << 30;  // of the tar, and of all files as their sizes say
  int64_t timeout_ms = int64_t{15} * 60 * 1000;
};

// The layers of images, each unpacked once and shared by all that use it:
//   <root>/sha256/<hex of diff_id>/fs   the tree, with overlayfs whiteouts
//   <root>/tmp/...                      layers being unpacked or removed
// A layer appears by one rename after its tree is on disk and its diff_id was verified, so what is
// there is whole. Several processes may use one root. Thread-safe.
class LayerStore {
 public:
  struct Options {
    std::string root;      // for example /var/lib/duet/layers; made if missing
    std::string unpacker;  // path of duet-unpack
    UnpackLimits limits;
    const sys::Clock* clock = nullptr;  // outlives the store; null: the system's
  };

  // Removes what a crash left half unpacked.
  static Result<std::unique_ptr<LayerStore>> open(Options options);

  // The trees of `image`'s layers, lowest first, unpacking those that are missing. kCorrupt when a
  // blob is not what its diff_id says or is no archive; kExhausted past a limit; the message names
  // the layer.
  Result<std::vector<std::string>> ensure(const oci::Image& image, const BlobOpener& blobs);

  // Removes the layers that are not in `keep` and were not asked for in the last `unused_ms`.
  // Returns how many.
  Result<int> collect_garbage(const std::set<oci::Digest>& keep, int64_t unused_ms);

  // Where the layer's tree is or will be.
  std::string tree_of(const oci::Digest& diff_id) const;
  // The other way round; empty when `tree` is none of this store's.
  oci::Digest diff_id_of(const std::string& tree) const;

 private:
  explicit LayerStore(Options options);
  Status clean_leftovers();
  bool touch(const std::string& directory) const;
  Status ensure_layer(const oci::Layer& layer, const BlobOpener& blobs);
  Status unpack(const oci::Layer& layer, const BlobOpener& blobs);
  Status unpack_into(const oci::Layer& layer, const sys::Fd& blob, const std::string& directory);
  std::string directory_of(const oci::Digest& diff_id) const;

  Options options_;
  sys::SystemClock system_clock_;
  std::mutex mutex_;
  std::condition_variable done_;
  std::set<oci::Digest> busy_;  // being unpacked by this process
};

}  // namespace duet::container
