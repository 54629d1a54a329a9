#pragma once

#include <functional>
#include <future>
#include <string>

#include "base/result.h"

namespace duet::pod {

// The address of a pod, while the network's plugins may still be at work on a thread of their own:
// whatever does not need it goes on meanwhile. Cheap to copy; the last copy waits for the thread.
// Used by one thread at a time.
class PodAddress {
 public:
  PodAddress() : PodAddress(std::string()) {}  // a pod without one
  explicit PodAddress(std::string known);
  // Runs `attach` on a thread of its own; what it refers to must outlive all copies.
  static PodAddress coming(std::function<Result<std::string>()> attach);

  // Whether get() returns at once.
  bool here() const;
  // The address, or why the pod could not be attached.
  const Result<std::string>& get() const { return address_.get(); }

 private:
  std::shared_future<Result<std::string>> address_;
};

}  // namespace duet::pod
