#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// Certificates and keys as they stand in kubernetes.io/tls Secrets. Thread-safe.
namespace duet::net {

struct CertificateInfo {
  std::string common_name;         // of the subject; empty: none
  std::vector<std::string> names;  // DNS names of subjectAltName, lower case; may begin with "*."
  std::vector<std::string> addresses;  // IP addresses of subjectAltName
  std::int64_t not_before_s = 0;       // seconds since 1970
  std::int64_t not_after_s = 0;
};

// Reads a chain (the server's certificate first) and its private key, both PEM, and sees that they
// belong together and that TLS takes them. kInvalid says what is wrong with which of them, and
// never holds a part of the key.
Result<CertificateInfo> check_certificate(std::string_view chain_pem, std::string_view key_pem);

// Whether a certificate name covers `host` (lower case): the same name, or "*." and one label more
// (RFC 6125 section 6.4.3).
bool name_covers(std::string_view name, std::string_view host);

// A certificate that vouches for nobody, with its key: P-256, signed by itself, without an end.
struct SelfSigned {
  std::string chain_pem;
  std::string key_pem;
};
Result<SelfSigned> make_self_signed(const std::string& name);

}  // namespace duet::net
