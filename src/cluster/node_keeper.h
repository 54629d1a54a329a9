#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/api_client.h"
#include "cluster/node_object.h"
#include "sys/clock.h"
#include "sys/randomness.h"

namespace duet::cluster {

// Keeps the Node object and its Lease: makes them, renews the Lease with every beat, tells a
// changed status at once and an unchanged one now and then. For one thread.
class NodeKeeper {
 public:
  struct Options {
    NodeFacts facts;
    std::string measured_path;  // on the file system that pods fill
    std::function<std::vector<NodeImage>()> images;
    std::int64_t status_ms = 300'000;  // between two that say the same
  };

  NodeKeeper(Options options, ApiClient& api, const sys::Clock& clock, sys::Random& random)
      : options_(std::move(options)), api_(api), clock_(clock), random_(random) {}

  // One beat. An error leaves what is missing to the next one.
  Status beat();
  // Of the Node; empty: not known.
  const std::string& uid() const { return uid_; }

 private:
  Status try_beat();
  Status find_or_make();
  Status set_labels(const Json& node);
  Status renew_lease();
  Status tell_status();
  Result<NodeMeasures> measure() const;

  Options options_;
  ApiClient& api_;
  const sys::Clock& clock_;
  sys::Random& random_;
  std::string uid_;
  Json told_;  // the status that the server has from us
  sys::MonotonicTime tell_at_;
  sys::MonotonicTime last_beat_;  // that went well
};

}  // namespace duet::cluster
