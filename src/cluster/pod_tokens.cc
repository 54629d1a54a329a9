#include "cluster/pod_tokens.h"

#include <algorithm>

#include "cluster/local_objects.h"
#include "object/kind.h"

namespace duet::cluster {

Result<std::optional<std::int64_t>> PodTokens::refresh(const ClusterPod& pod) {
  std::optional<std::int64_t> next;
  for (const TokenClaim& claim : token_claims_of(pod)) {
    DUET_ASSIGN(const std::int64_t fresh, refresh_one(claim, pod));
    next = std::min(next.value_or(fresh), fresh);
  }
  return next;
}

Result<std::int64_t> PodTokens::refresh_one(const TokenClaim& claim, const ClusterPod& pod) {
  DUET_ASSIGN(const auto stored, find_stored(store_, claim.secret));
  const std::int64_t left = stored ? token_fresh_ms(*stored, clock_.now()) : 0;
  if (left > 0) {
    return left;
  }
  const std::string path =
      "/api/v1/namespaces/" + pod.key.ns + "/serviceaccounts/" + claim.service_account + "/token";
  const auto answer = api_.borrow()->create(path, token_request(claim, pod));
  if (!answer.ok()) {
    return answer.error().wrap("a token for " + object::describe(pod.key));
  }
  DUET_ASSIGN(const object::Object secret, token_secret(claim, *answer, clock_.now()));
  const auto kept = store_.apply(secret);
  if (!kept.ok()) {
    return kept.error();
  }
  return token_fresh_ms(secret, clock_.now());
}

}  // namespace duet::cluster
