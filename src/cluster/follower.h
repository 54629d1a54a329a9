#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/api_client.h"
#include "cluster/backoff.h"
#include "sys/clock.h"
#include "sys/randomness.h"

namespace duet::cluster {

struct FollowerOptions {
  std::string path;  // of the list, as "/api/v1/pods"
  Query query;       // selectors
  std::int64_t backoff_first_ms = 800;
  std::int64_t backoff_limit_ms = 30'000;
  std::int64_t refused_pause_ms =
      0;                             // half to whole, after a refusal (401, 403); 0: as any failure
  std::int64_t watch_seconds = 300;  // after which the server ends a watch, up to twice of it
  std::int64_t shortest_watch_ms = 1'000;  // one that ends earlier and told nothing has failed
};

// Follows one list of an API server for as long as it runs: list, watch from there, watch again
// where the last one ended, list anew when the server has forgotten that place (client-go calls it
// a reflector). What breaks off is begun again with growing pauses; what was told stays true
// meanwhile.
class Follower {
 public:
  struct Sink {
    // Everything there is; what was told before and is missing now is gone.
    std::function<void(const std::vector<Json>& objects)> replace;
    // One change, never kBookmark.
    std::function<void(ApiWatch::Type type, const Json& object)> change;
    // Something fails, said once until it is something else; ok: it goes again.
    std::function<void(const Status& status)> report;
  };

  // What is given must outlive this.
  Follower(ApiClient& client, const sys::Clock& clock, sys::Random& random, FollowerOptions options,
           Sink sink)
      : client_(client),
        clock_(clock),
        random_(random),
        options_(std::move(options)),
        sink_(std::move(sink)),
        backoff_(options_.backoff_first_ms, options_.backoff_limit_ms, random) {}

  // Returns when a stop is asked for.
  void run(const std::stop_token& stop);

 private:
  Status list();
  Status watch(const std::stop_token& stop);
  Status take_event(const ApiWatch::Event& event);
  void went_well();
  void failed(const Error& error);
  std::int64_t pause_after(const Error& error);

  ApiClient& client_;
  const sys::Clock& clock_;
  sys::Random& random_;
  FollowerOptions options_;
  Sink sink_;
  Backoff backoff_;
  std::string version_;  // empty: list first
  std::string told_;     // the failure that report() heard of last; empty: none
};

}  // namespace duet::cluster
