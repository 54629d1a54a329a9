#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "cluster/access.h"
#include "cluster/followed_gateway.h"
#include "cluster/gateway_listeners.h"
#include "cluster/http_route_status.h"
#include "cluster/listed_objects.h"
#include "store/controller.h"
#include "store/store.h"
#include "sys/clock.h"
#include "sys/randomness.h"

namespace duet::cluster {

// Whether an agent before this one left what it had of a cluster in the store, so that nothing
// waits for Services while nobody can be asked: Services, or pods, if it might not see Services.
Result<bool> knew_services(store::Store& store);

// What the routes of this node are made of, as far as it comes from a cluster: all its Services and
// EndpointSlices, the Ingresses of one class, and the HTTPRoutes of one Gateway, as a source of the
// store. What the API server said last decides; while nobody can be asked, what is there stays.
// Each kind is followed for itself, for a node may be allowed to see some of them only.
class ServiceSource {
 public:
  struct Options {
    std::string ingress_class;  // of the Ingresses that come as well; empty: none do
    // Hears of each of these Ingresses as the server has it, with its status, on a thread of this;
    // none: nobody asks.
    std::function<void(const Json& ingress)> ingress_seen;
    std::optional<GatewayName> gateway;  // whose HTTPRoutes come as well; nothing: none do
    // Hears of each of these HTTPRoutes as the server has it, with its status, and of what becomes
    // of it; on a thread of this, more than once; none: nobody asks.
    std::function<void(const Json& route, const std::vector<ParentVerdict>& verdicts)> route_judged;
    std::size_t service_limit = 2'000;
    std::size_t slice_limit = 4'000;
    std::size_t ingress_limit = 1'000;
    std::size_t http_route_limit = 1'000;
    std::size_t object_bytes = 256 << 10;  // of one object
    std::size_t kind_bytes = 16 << 20;     // of all objects of a kind
    std::int64_t refused_pause_ms =
        120'000;  // before a kind that may not be seen is asked for again
    // The Services are in the store as the cluster has them, or may not be seen. Called on a thread
    // of this, more than once; none: nobody waits.
    std::function<void()> heard;
    std::function<void(const std::string& line)> log;
  };

  // Keeps the store, and asks nobody yet. What is given must outlive this.
  static std::unique_ptr<ServiceSource> start(store::Store& store, const CurrentAccess& access,
                                              const sys::Clock& clock, sys::Random& random,
                                              Options options);
  // Stops; what is in the store stays.
  ~ServiceSource();
  ServiceSource(const ServiceSource&) = delete;
  ServiceSource& operator=(const ServiceSource&) = delete;

  // Begins to follow the cluster; the second time nothing happens. For one thread.
  void follow();

 private:
  using Next = store::Controller::Next;
  // One kind, and the thread that follows it.
  struct Followed {
    Followed(std::string list_path, ListedObjects::Options options)
        : kind(options.kind), path(std::move(list_path)), objects(std::move(options)) {}
    object::Kind kind;
    std::string path;  // empty: not followed
    ListedObjects objects;
    std::jthread thread;
  };
  ServiceSource(store::Store& store, const CurrentAccess& access, const sys::Clock& clock,
                sys::Random& random, Options options);

  void add(std::string path, ListedObjects::Options listed);
  void add_http_routes();
  void run(Followed& followed, const std::stop_token& stop);
  void see(const Followed& followed, const Json& object) const;
  void take_all(Followed& followed, const std::vector<Json>& objects);
  void wake_all(const Followed& followed, const std::vector<object::ObjectKey>& keys);
  void gateway_changed();
  void note(Followed& followed, const Status& status);

  Result<Next> reconcile(const std::string& key);
  bool is_heard(const Followed& followed) const;
  std::optional<object::Object> said_of(const Followed& followed, const object::ObjectKey& key);
  Status put(const object::Object& said, const std::optional<object::Object>& stored);
  void note_own(const object::ObjectKey& key, bool said);
  void note_left_out(const object::ObjectKey& key, const std::string& why);

  store::Store& store_;
  const CurrentAccess& access_;
  const sys::Clock& clock_;
  sys::Random& random_;
  const Options options_;
  std::set<object::ObjectKey> own_;  // of this site, told that the cluster has one too
  std::map<object::ObjectKey, std::string> left_out_;  // HTTPRoutes, and what was told of each
  std::unique_ptr<FollowedGateway> gateway_;           // none: no HTTPRoute comes
  std::vector<std::unique_ptr<Followed>> followed_;
  // The last member: it must end before what it uses goes.
  std::unique_ptr<store::Controller> controller_;
};

}  // namespace duet::cluster
