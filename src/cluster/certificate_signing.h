#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/api_client.h"
#include "sys/clock.h"
#include "sys/randomness.h"

namespace duet::cluster {

// A CertificateSigningRequest of certificates.k8s.io/v1.
struct SigningRequest {
  std::string name;         // the same for the same key, so that a second attempt finds the first
  std::string signer;       // kubernetes.io/kube-apiserver-client-kubelet
  std::string request_pem;  // PKCS #10
  std::vector<std::string> usages;
};

// Asks the cluster to sign, and waits until somebody has approved and the certificate is there: its
// chain, PEM. kPermission: it was denied, or asking is not allowed; kTimeout: nobody approved
// within `limit`; else what the way to the server says. A watch that the server ends without news
// is begun again after a pause that grows to half a minute. A stop ends the wait.
Result<std::string> have_signed(ApiClient& api, const SigningRequest& request,
                                const sys::Clock& clock, sys::Random& random, sys::Duration limit,
                                const std::stop_token& stop);

// A name for the request of `key_pem`, which ends with a hash of `request_pem`'s public part.
Result<std::string> signing_request_name(const std::string& prefix, const std::string& key_pem);

}  // namespace duet::cluster
