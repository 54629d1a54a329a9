#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/api_client.h"
#include "cluster/pod_mirror.h"
#include "store/controller.h"
#include "store/store.h"

namespace duet::cluster {

// Shows a cluster the pods that this site has of its own, by mirror pods, and their status.
// Thread-safe; a thread of its own.
class MirrorPods {
 public:
  // `api` is used on this one's own thread alone. What is given must outlive this.
  static std::unique_ptr<MirrorPods> start(store::Store& store, ApiClient& api,
                                           std::string node_name,
                                           std::function<void(const std::string&)> log);
  MirrorPods(const MirrorPods&) = delete;
  MirrorPods& operator=(const MirrorPods&) = delete;
  ~MirrorPods() = default;

  // The Node that owns them; nothing is made before it is known.
  void set_node_uid(const std::string& uid);
  // What the server says of pods of this node; those that are no mirrors are passed over.
  void replace(const std::vector<Json>& pods);
  void change(ApiWatch::Type type, const Json& pod);
  void set_online(bool online);

 private:
  using Next = store::Controller::Next;
  MirrorPods(store::Store& store, ApiClient& api, std::string node_name,
             std::function<void(const std::string&)> log)
      : store_(store), api_(api), node_name_(std::move(node_name)), log_(std::move(log)) {}

  // What is known of the cluster when a key is looked at; nothing: it cannot be asked now.
  struct View {
    std::string node_uid;
    std::optional<ClusterPod> mirror;
  };
  std::optional<View> look(const std::string& key) const;
  std::string key_of(const Json& mirror) const;
  void wake_all();

  Result<Next> reconcile(const std::string& key);
  Result<Next> make(const object::Object& stored, const std::string& node_uid);
  Result<Next> remove(const ClusterPod& mirror);
  Result<Next> tell_status(const ClusterPod& mirror, const object::Object& stored);

  store::Store& store_;
  ApiClient& api_;
  std::string node_name_;
  std::function<void(const std::string&)> log_;
  mutable std::mutex mutex_;
  bool online_ = false;
  bool listed_ = false;
  std::string node_uid_;
  std::map<std::string, ClusterPod> mirrors_;  // by "namespace/name" of the site's pod
  std::string refused_;                        // what the log heard of last
  // The last member: it must end before what it uses goes.
  std::unique_ptr<store::Controller> controller_;
};

}  // namespace duet::cluster
