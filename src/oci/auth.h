#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "oci/reference.h"

// Credentials and challenges of registries. Functions are pure.
namespace duet::oci {

struct Credentials {
  std::string username;
  std::string password;
};

// The credentials for `reference` in a text in the format of Docker's config.json: {"auths":
// {"registry or registry/path": {"auth": base64 of user:password} or {"username", "password"}}}.
// The longest entry that is a prefix of the name wins, as for Kubernetes' imagePullSecrets; Docker
// Hub also goes by https://index.docker.io/v1/. Nothing found is no error. Error messages never
// hold parts of a secret.
Result<std::optional<Credentials>> find_credentials(std::string_view config_json,
                                                    const Reference& reference);

// A WWW-Authenticate value (RFC 9110, 11.6.1) with one challenge.
struct Challenge {
  std::string scheme;                             // lower case: bearer, basic
  std::map<std::string, std::string> parameters;  // names in lower case
};
// kCorrupt: not a challenge.
Result<Challenge> parse_challenge(std::string_view value);

}  // namespace duet::oci
