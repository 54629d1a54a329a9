#pragma once

#include <string>
#include <vector>

#include "base/result.h"

// Asking an authority for a certificate (PKCS #10, RFC 2986). Thread-safe.
namespace duet::net {

// A new private key: P-256, PEM (PKCS #8).
Result<std::string> make_private_key();

struct CertificateSubject {
  std::string organization;
  std::string common_name;
  std::vector<std::string> dns_names;     // subjectAltName
  std::vector<std::string> ip_addresses;  // subjectAltName
};
// A request for `subject`, signed with its key, PEM. kInvalid: a name or an address is none.
Result<std::string> make_certificate_request(const CertificateSubject& subject,
                                             const std::string& key_pem);

}  // namespace duet::net
