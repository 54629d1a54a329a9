#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "object/pod.h"
#include "pod/worker.h"

namespace duet::pod {

constexpr int64_t kStartRetryMs = 2'000;  // doubles with each failed start
constexpr int64_t kPrepareRetryMs = 2'000;

// The hook's name, by the ID of the start it belongs to.
inline std::string post_start_name(const std::string& id) { return id + " postStart"; }

// The last start of a container, as the monitor tells it.
struct LastStart {
  int attempt = -1;
  monitor::ChildState child;
};

// What one pass of a worker has found out and decided.
struct PodWorker::Pass {
  explicit Pass(const object::Pod& the_pod, int64_t time_ms) : pod(the_pod), now_ms(time_ms) {
    status.host_ip = pod.status.host_ip;
    status.pod_ip = pod.status.pod_ip;
  }

  const object::Pod& pod;
  int64_t now_ms;
  std::map<std::string, ImageState> images;  // by container name
  Sandbox sandbox;
  std::optional<ImageWait> not_prepared;    // nothing can be started yet, because of this
  std::map<std::string, LastStart> starts;  // by container name
  object::PodStatus status;
  PodProgress progress;
  std::optional<int64_t> look_again_ms;

  void look_again_in(std::optional<int64_t> ms) {
    if (ms) {
      look_again_ms = std::min(look_again_ms.value_or(*ms), std::max<int64_t>(1, *ms));
    }
  }
};

// The status stored for a container; null: none yet.
inline const object::ContainerStatus* find_status(
    const std::vector<object::ContainerStatus>& statuses, const std::string& name) {
  const auto found = std::find_if(statuses.begin(), statuses.end(),
                                  [&](const auto& one) { return one.name == name; });
  return found == statuses.end() ? nullptr : &*found;
}

// What the pod asks of an image.
ImageRequest image_request(const PodContext& context, const object::Pod& pod,
                           const object::Container& container);

// Whether it is a cluster's, whose scheduler has chosen this node.
bool is_bound(const object::Pod& pod);

// Why the pod can never run on this node; nothing: it can.
std::optional<std::string> unsuitable(const PodContext& context, const object::Pod& pod);

}  // namespace duet::pod
