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
    std::int64_t burst = 25;             // requests that may go at once
    std::int64_t refill_ms = 1'000;      // after which one more may
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
  std::int64_t wait_ms();
  Status tell(const std::string& key, const Json& event, const std::string& node);

  store::Store& store_;
  ApiClient& api_;
  const sys::Clock& clock_;
  Options options_;
  std::map<std::string, std::int64_t> told_;  // the count that the server has, by "namespace/name"
  std::int64_t left_;                         // of the burst
  sys::MonotonicTime refilled_;
  mutable std::mutex mutex_;
  bool online_ = false;
  std::set<std::string> waiting_;  // for the server to be there
  // The last member: it must end before what it uses goes.
  std::unique_ptr<store::Controller> controller_;
};

}  // namespace duet::cluster
