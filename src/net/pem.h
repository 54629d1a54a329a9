#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"

// PEM to OpenSSL's objects.
namespace duet::net {

struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Chain = std::vector<std::unique_ptr<X509, FreeX509>>;
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;

inline constexpr std::size_t kChainCertificates = 16;  // that one chain may have

// The certificates of `pem` in their order, one at least.
Result<Chain> read_chain(std::string_view pem);
// The private key of `pem`. One that asks for a passphrase is an error.
Result<Key> read_key(std::string_view pem);

}  // namespace duet::net
