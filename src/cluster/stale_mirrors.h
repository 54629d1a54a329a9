#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "cluster/api_client.h"
#include "cluster/membership.h"
#include "cluster/pod_mirror.h"

namespace duet::cluster {

// A second Node shows nothing of the site's own. Mirrors that the cluster has for it are of a time
// when its name was that of the machine's only Node, and are taken out of the cluster.
class StaleMirrors final : public Membership::Companion {
 public:
  // `api` asks as the second Node, is used on the membership's thread alone and must outlive this.
  explicit StaleMirrors(ApiClient& api) : api_(api) {}

  void may_ask() override {}
  void beaten(const Status& status, const std::string& node_uid) override;
  void take_all(const std::vector<Json>& pods) override;
  void take_mirror(ApiWatch::Type type, const Json& pod) override;
  void set_online(bool) override {}

 private:
  void keep(const Json& mirror);

  ApiClient& api_;
  std::mutex mutex_;
  std::map<std::string, ClusterPod> mirrors_;  // that are there, by uid
};

}  // namespace duet::cluster
