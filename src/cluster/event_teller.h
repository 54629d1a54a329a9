#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "cluster/api_client.h"
#include "cluster/json_field.h"
#include "cluster/token_bucket.h"
#include "store/controller.h"
#include "store/store.h"
#include "sys/clock.h"

namespace duet::cluster {

// Tells a cluster the Events of its pods here, each as its pod's Node. They are news, not state:
// what was not told within an hour is left out, and of very many the newest count of each goes when
// its turn comes. Thread-safe; a thread of its own.
class EventTeller {
 public:
  struct Options {
    // As a kubelet has them (--event-burst, --event-qps, and client-go's filter of one that talks
    // too much, which leaves out what here waits).
    std::int64_t burst = 100;     // requests that may go at once
    std::int64_t refill_ms = 20;  // after which one more may
    std::int64_t pod_burst = 25;  // of them about one pod
    std::int64_t pod_refill_ms = 300'000;
    std::size_t pod_limit = 1'024;       // pods that are counted one by one
    std::int64_t retry_ms = 10'000;      // after a request that failed
    std::int64_t oldest_ms = 3'600'000;  // an API server keeps Events for that long
    std::function<void(const std::string& line)> log;
  };

  // `api` is used on the teller's own thread alone. What is given must outlive this.
  static std::unique_ptr<EventTeller> start(store::Store& store, ApiClient& api,
                                            const sys::Clock& clock, Options options);
  EventTeller(const EventTeller&) = delete;
  EventTeller& operator=(const EventTeller&) = delete;
  ~EventTeller() = default;

  // Whether the server can be asked at all: without it nothing is sent.
  void set_online(bool online);

 private:
  using Next = store::Controller::Next;
  EventTeller(store::Store& store, ApiClient& api, const sys::Clock& clock, Options options);

  Result<Next> reconcile(const std::string& key);
  bool is_to_tell(const Json& event) const;
  Result<std::optional<std::string>> node_of(const Json& event) const;
  std::int64_t wait_ms(const std::string& key, const std::string& pod_uid);
  TokenBucket& bucket_of(const std::string& pod_uid);
  Status tell(const std::string& key, const Json& event, const std::string& node);

  store::Store& store_;
  ApiClient& api_;
  const sys::Clock& clock_;
  Options options_;
  std::map<std::string, std::int64_t> told_;  // the count that the server has, by "namespace/name"
  std::map<std::string, sys::MonotonicTime> due_;  // whose turn comes then, by the same
  TokenBucket all_;
  std::map<std::string, TokenBucket> of_pods_;  // by uid
  mutable std::mutex mutex_;
  bool online_ = false;
  std::set<std::string> waiting_;  // for the server to be there
  // The last member: it must end before what it uses goes.
  std::unique_ptr<store::Controller> controller_;
};

}  // namespace duet::cluster
