#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/api_client_pool.h"
#include "cluster/needed_objects.h"
#include "cluster/pod_mirror.h"
#include "cluster/pod_references.h"
#include "cluster/pod_tokens.h"
#include "store/controller.h"
#include "store/store.h"

namespace duet::cluster {

// A cluster's pods for one Node of this machine as a source of the store, and their status on its
// way back. What the API server said last decides; while nobody can be asked, what is there stays.
// Pods of Nodes that this machine is no more, of an agent before this one, go.
class PodSource {
 public:
  // One pod after the other would be one round trip after the other.
  static constexpr int kRequestLimit = 8;

  struct Options {
    std::string node_name;
    std::string other_node;  // the machine's other Node, whose pods are not touched; empty: none
    int request_limit = kRequestLimit;  // pods that the server is asked or told of at a time
    std::function<void(const std::string& line)> log;
  };

  // `api` is asked for pods, `access` is for connections of further threads. What is given must
  // outlive this.
  static std::unique_ptr<PodSource> start(store::Store& store, NeededObjects& needed,
                                          ApiClientPool& api, const CurrentAccess& access,
                                          const sys::Clock& clock, sys::Random& random,
                                          Options options);
  ~PodSource();
  PodSource(const PodSource&) = delete;
  PodSource& operator=(const PodSource&) = delete;

  // What the server says; of a Follower, on any thread.
  void replace(const std::vector<Json>& pods);
  void change(ApiWatch::Type type, const Json& pod);
  // Whether the server can be asked at all: without it nothing is sent.
  void set_online(bool online);

 private:
  using Next = store::Controller::Next;
  // As the server said it last. Shared, because a pod is read far more often than it changes.
  using KnownPod = std::shared_ptr<const ClusterPod>;
  PodSource(store::Store& store, NeededObjects& needed, ApiClientPool& api,
            const CurrentAccess& access, const sys::Clock& clock, sys::Random& random,
            Options options);

  bool is_other(const object::Object& stored) const;
  bool concerns(const object::Object& stored) const;
  KnownPod find(const std::string& key) const;
  KnownPod read(const Json& pod) const;
  void take_all(const std::vector<Json>& pods);
  std::set<object::ObjectKey> used() const;
  void need();
  void wake_users(const object::ObjectKey& reference);
  bool knows_all() const;

  Result<Next> reconcile(const std::string& key);
  Result<Next> sync_living(const ClusterPod& pod, const std::optional<object::Object>& stored);
  Result<Next> end_in_cluster(const ClusterPod& pod);
  Result<Next> make(const ClusterPod& pod);
  Result<Next> tell_status(const ClusterPod& pod, const object::Object& stored);
  bool note_told(const std::string& key, const std::string& what);
  void forget_told(const std::string& key);
  Result<Next> sweep();
  bool is_online() const;

  store::Store& store_;
  NeededObjects& needed_;
  ApiClientPool& api_;
  const CurrentAccess& access_;
  const Options options_;
  mutable std::mutex mutex_;
  bool online_ = false;
  bool listed_ = false;                   // all there is was told once
  std::map<std::string, KnownPod> pods_;  // by "namespace/name"
  // What was asked of the server since it last spoke of the pod, by the same.
  std::map<std::string, std::string> told_;
  PodTokens tokens_;
  std::unique_ptr<PodReferences> references_;
  // The last member: it must end before what it uses goes.
  std::unique_ptr<store::Controller> controller_;
};

}  // namespace duet::cluster
