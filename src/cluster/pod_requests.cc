#include "cluster/pod_requests.h"

#include "cluster/api_error.h"

namespace duet::cluster {

std::string pods_path(const std::string& ns) { return "/api/v1/namespaces/" + ns + "/pods"; }

std::string pod_path(const object::ObjectKey& key) { return pods_path(key.ns) + "/" + key.name; }

Status remove_pod(ApiClient& api, const ClusterPod& pod) {
  const auto removed = api.remove(pod_path(pod.key), {{"apiVersion", "v1"},
                                                      {"kind", "DeleteOptions"},
                                                      {"gracePeriodSeconds", 0},
                                                      {"preconditions", {{"uid", pod.uid}}}});
  return removed.ok() || is_moot(removed.error()) ? Status() : Status(removed.error());
}

Result<Json> send_status(ApiClient& api, const ClusterPod& pod, const Json& patch) {
  return api.patch(pod_path(pod.key) + "/status", PatchType::kStrategic, patch);
}

}  // namespace duet::cluster
