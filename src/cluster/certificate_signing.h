#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/api_client.h"
#include "net/certificate.h"
#include "net/certificate_request.h"
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

// A certificate that the cluster shall sign, with its key on this machine.
struct CertificateOrder {
  net::CertificateSubject subject;
  std::string signer;
  std::vector<std::string> usages;
  std::string name_prefix;  // of the request
  std::string key_file;     // keeps the key until the certificate is there, mode 0600
};

// What is asked for, and the key that it is for.
struct PreparedRequest {
  SigningRequest request;
  std::string key_pem;
};

// Makes the request of `order`. The key of one that was made before and not answered yet is taken
// again, so that the request is the same.
Result<PreparedRequest> prepare(const CertificateOrder& order);

// A time to ask for the next certificate: 70 to 90 % of this one's life are over, each time another
// part, so that nodes do not come together. Seconds since 1970.
std::int64_t renewal_time_s(const net::CertificateInfo& info, sys::Random& random);

}  // namespace duet::cluster
