#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/json_field.h"
#include "cluster/pod_mirror.h"
#include "object/object.h"
#include "sys/clock.h"

// The tokens by which a pod's programs show an API server whose they are (TokenRequest of
// authentication.k8s.io/v1). On the node each is a Secret, so that the pod room needs to know
// nothing of them. Pure functions, thread-safe.
namespace duet::cluster {

// One token that a pod has as a file.
struct TokenClaim {
  object::ObjectKey secret;  // what holds it on this node
  std::string service_account;
  std::string audience;  // empty: the API server's own
  std::int64_t life_seconds = 3'600;
};

// In the order of the pod's volumes.
std::vector<TokenClaim> token_claims_of(const ClusterPod& pod);

// Puts Secrets of this node in place of the tokens of `spec`, which is of the pod `uid`.
void put_local_tokens(Json& spec, const std::string& uid);

// The TokenRequest to send for `claim`, bound to the pod: when that is gone, the token is worth
// nothing any more.
Json token_request(const TokenClaim& claim, const ClusterPod& pod);

// What the server answered, as the Secret of `claim`. kCorrupt: it is no token.
Result<object::Object> token_secret(const TokenClaim& claim, const Json& answer, sys::WallTime now);

// How long `secret` is good yet: until 80 % of its life or a day are over, as a kubelet has it.
// Zero: it is to be asked for now. A clock that went back makes a token old, for it may be.
std::int64_t token_fresh_ms(const object::Object& secret, sys::WallTime now);

}  // namespace duet::cluster
