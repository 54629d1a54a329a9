#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string_view>

#include "base/result.h"

// What TLS servers and clients have in common: OpenSSL for TLS 1.2 and 1.3 (RFC 8446, RFC 5246).
namespace duet::net {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeContext>;

// Keeps OpenSSL from reading the system's openssl.cnf: a worker may not read it, and what is spoken
// is said here. To be called before anything else of OpenSSL, any number of times.
void ignore_openssl_configuration();

// A context for connections of TlsStream, of either role by `method`, without certificates.
// kInternal: OpenSSL refuses.
Result<TlsContext> make_tls_context(const SSL_METHOD* method);

// Gives `context` a chain (the certificate of its own first) and its key, both PEM. kInvalid: they
// cannot be read.
Status use_certificate(SSL_CTX* context, std::string_view chain_pem, std::string_view key_pem);

}  // namespace duet::net
