#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "base/result.h"
#include "container/layer_store.h"
#include "oci/content_store.h"
#include "pod/paths.h"
#include "sys/clock.h"

// Images that nobody needs any more must not fill a node's disk.
namespace duet::pod {

struct ImageGarbageOptions {
  int64_t interval_ms = int64_t{5} * 60 * 1000;  // between two collections
  int64_t unused_ms =
      int64_t{10} * 60 * 1000;  // a layer that was asked for since is about to be used
  std::function<void(const std::string&)> report;  // what was removed, in one sentence
};

// Removes the blobs that no name needs, and the unpacked layers that neither a name nor a container
// needs. Containers are found by what is on disk: nothing is forgotten with an agent.
class ImageGarbage {
 public:
  // `layers` is null where no containers can run. `state` is the node's state folder. What it is
  // given must outlive it.
  ImageGarbage(oci::ContentStore& images, container::LayerStore* layers, std::string state,
               const sys::Clock& clock, ImageGarbageOptions options);
  // Ends start()'s thread.
  ~ImageGarbage();
  ImageGarbage(const ImageGarbage&) = delete;
  ImageGarbage& operator=(const ImageGarbage&) = delete;

  // One collection.
  Status collect();
  // Collects on a thread of its own from now on, the first time after one interval.
  void start();

 private:
  Result<std::set<oci::Digest>> needed_layers() const;
  void run();

  oci::ContentStore& images_;
  container::LayerStore* layers_;
  std::string state_;
  const sys::Clock& clock_;
  ImageGarbageOptions options_;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace duet::pod
