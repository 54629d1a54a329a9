#include "workload/pod_view.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "object/codec.h"
#include "sys/rfc3339.h"

namespace duet::workload {
namespace {

PodView view_of(object::Object stored, const object::Pod& pod) {
  PodView view;
  view.object = std::move(stored);
  view.owner_uid = pod.meta.owner_uid;
  const auto hash = pod.meta.labels.find(kTemplateHashLabel);
  view.template_hash = hash == pod.meta.labels.end() ? "" : hash->second;
  view.created = pod.meta.creation_timestamp;
  view.deleting = !pod.meta.deletion_timestamp.empty();
  view.ended = pod.status.phase == "Succeeded" || pod.status.phase == "Failed";
  for (const object::PodCondition& condition : pod.status.conditions) {
    if (condition.type == "Ready" && condition.status == "True") {
      view.ready = true;
      view.ready_since =
          sys::parse_rfc3339(condition.last_transition_time).value_or(sys::WallTime());
    }
  }
  return view;
}

}  // namespace

PodView view_pod(object::Object pod) {
  const auto decoded = object::decode_pod(pod.json);
  return view_of(std::move(pod), decoded.value_or(object::Pod()));
}

std::optional<PodView> view_pod_of(object::Object pod, const std::string& deployment_name) {
  // Most pods belong to others: looking for the name in the text spares decoding them.
  if (pod.json.find(deployment_name) == std::string::npos) {
    return std::nullopt;
  }
  const auto decoded = object::decode_pod(pod.json);
  if (!decoded.ok() || decoded->meta.owner_kind != "Deployment" ||
      decoded->meta.owner_name != deployment_name) {
    return std::nullopt;
  }
  return view_of(std::move(pod), *decoded);
}

std::optional<int64_t> available_in_ms(const PodView& pod, int min_ready_seconds,
                                       sys::WallTime now) {
  if (!pod.ready) {
    return std::nullopt;
  }
  const auto left = pod.ready_since + std::chrono::seconds(min_ready_seconds) - now;
  return std::max<int64_t>(std::chrono::ceil<std::chrono::milliseconds>(left).count(), 0);
}

}  // namespace duet::workload
