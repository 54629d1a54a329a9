#include "net/mutual_tls.h"

#include <openssl/x509.h>

#include "net/openssl_error.h"
#include "net/pem.h"

namespace duet::net {
namespace {

// HTTP/1.1 alone, as RFC 7301 writes it. Who offers other protocols only is not refused: it may
// mean HTTP/1.1 without saying so.
int choose_http1(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                 unsigned int in_size, void*) {
  static constexpr unsigned char kHttp1[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  const int result =
      SSL_select_next_proto(&chosen, out_size, kHttp1, sizeof(kHttp1) - 1, in, in_size);
  *out = chosen;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

// What is wrong with a certificate stays in SSL_get_verify_result().
int go_on(int, X509_STORE_CTX*) { return 1; }

std::string text_of(const ASN1_STRING* text) {
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, text);
  std::string out(size > 0 ? reinterpret_cast<const char*>(utf8) : "",
                  size > 0 ? static_cast<std::size_t>(size) : 0);
  OPENSSL_free(utf8);
  return out;
}

std::vector<std::string> entries_of(const X509_NAME* name, int id) {
  std::vector<std::string> all;
  for (int at = X509_NAME_get_index_by_NID(name, id, -1); at >= 0;
       at = X509_NAME_get_index_by_NID(name, id, at)) {
    all.push_back(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at))));
  }
  return all;
}

// Handshakes of several threads verify by the same store: everything is in it from the start.
Status trust(X509_STORE* store, std::string_view authorities_pem) {
  DUET_ASSIGN(const Chain authorities, read_chain(authorities_pem));
  for (const auto& one : authorities) {
    if (X509_STORE_add_cert(store, one.get()) != 1) {
      return openssl_error("an authority for clients");
    }
  }
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return {};
}

}  // namespace

std::optional<PeerSubject> verified_peer(const TlsStream& stream) {
  const SSL* ssl = stream.ssl();
  X509* certificate = SSL_is_init_finished(ssl) == 1 ? SSL_get0_peer_certificate(ssl) : nullptr;
  if (certificate == nullptr || SSL_get_verify_result(ssl) != X509_V_OK) {
    return std::nullopt;
  }
  const X509_NAME* name = X509_get_subject_name(certificate);
  const auto common_names = entries_of(name, NID_commonName);
  return PeerSubject{.common_name = common_names.empty() ? "" : common_names.back(),
                     .organizations = entries_of(name, NID_organizationName)};
}

Result<MutualTlsServer> MutualTlsServer::create(std::string_view chain_pem,
                                                std::string_view key_pem,
                                                std::string_view client_authorities_pem) {
  DUET_ASSIGN(TlsContext context, make_tls_context(TLS_server_method()));
  SSL_CTX* raw = context.get();
  SSL_CTX_set_options(raw, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(raw, choose_http1, nullptr);
  DUET_TRY(use_certificate(raw, chain_pem, key_pem));
  DUET_TRY(trust(SSL_CTX_get_cert_store(raw), client_authorities_pem));
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, go_on);
  return MutualTlsServer(std::move(context));
}

std::unique_ptr<TlsStream> MutualTlsServer::accept(int fd) const {
  return TlsStream::accept(context_.get(), fd);
}

}  // namespace duet::net
