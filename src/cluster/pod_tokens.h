#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "cluster/api_client_pool.h"
#include "cluster/service_account_token.h"
#include "store/store.h"
#include "sys/clock.h"

namespace duet::cluster {

// Keeps the tokens of pods in the store, asked for in time. Thread-safe, for different pods.
class PodTokens {
 public:
  // What is given must outlive this.
  PodTokens(store::Store& store, ApiClientPool& api, const sys::Clock& clock)
      : store_(store), api_(api), clock_(clock) {}

  // Asks for what `pod` lacks or has had for long enough. In how many ms that is to be done again;
  // nothing: the pod has no tokens. Errors leave a token that is there.
  Result<std::optional<std::int64_t>> refresh(const ClusterPod& pod);

 private:
  Result<std::int64_t> refresh_one(const TokenClaim& claim, const ClusterPod& pod);

  store::Store& store_;
  ApiClientPool& api_;
  const sys::Clock& clock_;
};

}  // namespace duet::cluster
