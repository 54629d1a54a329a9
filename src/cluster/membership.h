#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "cluster/access.h"
#include "cluster/api_client.h"
#include "cluster/api_client_pool.h"
#include "cluster/complaint.h"
#include "cluster/identity.h"
#include "cluster/needed_objects.h"
#include "cluster/node_keeper.h"
#include "cluster/node_object.h"
#include "cluster/pod_source.h"
#include "store/store.h"
#include "sys/clock.h"
#include "sys/randomness.h"

namespace duet::cluster {

// One Node of this machine in its cluster: joins under the Node's name, keeps its certificate, Node
// and Lease, brings its pods into the store and their status back. Threads of its own.
class Membership {
 public:
  struct Options {
    JoinOptions join;
    NodeFacts facts;
    std::string directory;                           // keeps the certificate and its key
    std::string measured_path;                       // on the file system that pods fill
    std::function<std::vector<NodeImage>()> images;  // asked with every beat, by one thread
    std::string other_node;  // the machine's other Node, whose pods are not touched; empty: none
    std::int64_t beat_ms = 10'000;
    std::int64_t backoff_first_ms = 1'000;
    std::int64_t backoff_limit_ms = 60'000;
    std::function<void(const std::string& line)> log;
  };

  // What else goes by this Node's line to the cluster. Called on the membership's threads.
  class Companion {
   public:
    virtual ~Companion() = default;
    // Before each beat: the Node has its certificate.
    virtual void may_ask() = 0;
    // After each beat. `node_uid` is empty while it is not known.
    virtual void beaten(const Status& status, const std::string& node_uid) = 0;
    // All pods that the server has for the Node, mirrors among them.
    virtual void take_all(const std::vector<Json>& pods) = 0;
    virtual void take_mirror(ApiWatch::Type type, const Json& pod) = 0;
    // Whether the list of pods can be followed.
    virtual void set_online(bool online) = 0;
  };

  // `access` is where the server is, until there is a certificate. What is given must outlive this.
  Membership(store::Store& store, NeededObjects& needed, const sys::Clock& clock,
             sys::Random& random, Options options, Access access);
  ~Membership() { stop(); }
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;

  // Begins to live, once. `companion` must live until stop().
  void start(Companion& companion);
  // Stops, and tells the companion nothing any more. Node, Lease and pods stay as they are.
  void stop();

  const CurrentAccess& access() const { return access_; }

 private:
  void live();
  Status beat();
  Status join();
  void renew_if_due();
  void follow_pods();
  void take_all(const std::vector<Json>& all);
  void take(ApiWatch::Type type, const Json& pod);
  void note_line(const Status& status);

  const sys::Clock& clock_;
  sys::Random& random_;
  const Options options_;
  std::stop_source stop_;
  CurrentAccess access_;
  Identity identity_;
  ApiClient beats_;       // of the membership's thread
  ApiClient lists_;       // of the follower's
  ApiClientPool writes_;  // of the pods'
  NodeKeeper keeper_;
  bool joining_ = false;  // said, and not done yet
  Complaint trouble_;
  Complaint renewals_;
  sys::MonotonicTime renew_at_;  // not before
  std::unique_ptr<PodSource> pods_;
  Companion* companion_ = nullptr;  // before start()
  std::thread life_;
  std::thread follower_;
};

}  // namespace duet::cluster
