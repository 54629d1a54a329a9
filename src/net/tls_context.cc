#include "net/tls_context.h"

#include "net/openssl_error.h"
#include "net/pem.h"

namespace duet::net {
namespace {

// Forward secrecy and authenticated encryption alone (RFC 9325 section 4.2), which are also all
// that HTTP/2 allows (RFC 9113 section 9.2.2). TLS 1.3 has no others.
constexpr const char* kTls12Ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

}  // namespace

void ignore_openssl_configuration() { OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr); }

Result<TlsContext> make_tls_context(const SSL_METHOD* method) {
  ignore_openssl_configuration();
  TlsContext context(SSL_CTX_new(method));
  SSL_CTX* raw = context.get();
  if (raw == nullptr || SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(raw, kTls12Ciphers) != 1) {
    return openssl_error("making a TLS context");
  }
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(raw, 1);
  return context;
}

Status use_certificate(SSL_CTX* context, std::string_view chain_pem, std::string_view key_pem) {
  DUET_ASSIGN(const Chain chain, read_chain(chain_pem));
  DUET_ASSIGN(const Key key, read_key(key_pem));
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return openssl_error("the certificate");
  }
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1) {
      return openssl_error("the certificate's chain");
    }
  }
  return {};
}

}  // namespace duet::net
