#pragma once

#include <string>

#include "base/result.h"
#include "cluster/api_client.h"
#include "cluster/pod_mirror.h"

// What a node asks of an API server for one of its pods, real or mirrored. Errors as of ApiClient.
namespace duet::cluster {

// The pods of a namespace, and one of them.
std::string pods_path(const std::string& ns);
std::string pod_path(const object::ObjectKey& key);

// Takes this very pod out of the cluster, at once. Ok as well when that is moot: it is gone, or
// another one by now.
Status remove_pod(ApiClient& api, const ClusterPod& pod);

// Sends what status_patch() gave.
Result<Json> send_status(ApiClient& api, const ClusterPod& pod, const Json& patch);

}  // namespace duet::cluster
