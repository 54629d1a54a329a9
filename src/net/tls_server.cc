#include "net/tls_server.h"

#include <algorithm>
#include <cctype>

#include "net/certificate.h"
#include "net/openssl_error.h"
#include "net/tls_stream.h"

namespace duet::net {
namespace {

// What the server speaks, as RFC 7301 writes it, the best first.
constexpr unsigned char kProtocols[] = "\x02h2\x08http/1.1\x08http/1.0";
constexpr unsigned char kSessionContext[] = "duet";

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned int in_size, void*) {
  unsigned char* chosen = nullptr;
  const int result =
      SSL_select_next_proto(&chosen, out_size, kProtocols, sizeof(kProtocols) - 1, in, in_size);
  *out = chosen;
  // Who offers nothing that is spoken here is told so (RFC 7301 section 3.2).
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

Result<TlsContext> make_context(std::string_view chain_pem, std::string_view key_pem) {
  DUET_ASSIGN(TlsContext context, make_tls_context(TLS_server_method()));
  SSL_CTX* raw = context.get();
  // A client that goes without a word takes nothing from a request that has its length.
  SSL_CTX_set_options(raw, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CIPHER_SERVER_PREFERENCE |
                               SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);  // tickets keep nothing here
  SSL_CTX_set_session_id_context(raw, kSessionContext, sizeof(kSessionContext) - 1);
  // OpenSSL asks the context that has the certificate, which the name has chosen by then.
  SSL_CTX_set_alpn_select_cb(raw, choose_protocol, nullptr);
  DUET_TRY(use_certificate(raw, chain_pem, key_pem));
  return context;
}

}  // namespace

std::shared_ptr<const TlsCertificates> TlsCertificates::make(
    std::span<const ServerCertificate> certificates, const TlsCertificates* earlier,
    const std::function<void(std::size_t place, const std::string& why)>& refused) {
  auto made = std::make_shared<TlsCertificates>();
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    const ServerCertificate& one = certificates[i];
    const std::string pem = one.chain_pem + '\0' + one.key_pem;
    Context& context = made->by_pem_[pem];
    if (!context && earlier != nullptr) {
      const auto known = earlier->by_pem_.find(pem);
      context = known == earlier->by_pem_.end() ? nullptr : known->second;
    }
    if (!context) {
      auto fresh = make_context(one.chain_pem, one.key_pem);
      if (!fresh.ok()) {
        refused(i, fresh.error().message());
        made->by_pem_.erase(pem);
        continue;
      }
      context = std::move(*fresh);
    }
    for (const std::string& host : one.hosts) {
      made->by_host_.emplace(host, context);
    }
  }
  return made;
}

SSL_CTX* TlsCertificates::find(std::string_view server_name) const {
  std::string name(server_name);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (name.ends_with('.')) {
    name.pop_back();
  }
  auto found = by_host_.find(name);
  if (found == by_host_.end()) {
    const std::size_t dot = name.find('.');
    found = dot == std::string::npos ? by_host_.end() : by_host_.find("*" + name.substr(dot));
  }
  return found == by_host_.end() ? nullptr : found->second.get();
}

Result<std::unique_ptr<TlsServer>> TlsServer::create() {
  ignore_openssl_configuration();
  DUET_ASSIGN(const SelfSigned nobody, make_self_signed("duet default certificate"));
  DUET_ASSIGN(TlsContext context, make_context(nobody.chain_pem, nobody.key_pem));
  std::unique_ptr<TlsServer> server(new TlsServer(std::move(context)));
  SSL_CTX* raw = server->context_.get();
  SSL_CTX_set_tlsext_servername_callback(raw, choose_certificate);
  SSL_CTX_set_tlsext_servername_arg(raw, server.get());
  return server;
}

int TlsServer::choose_certificate(SSL* ssl, int*, void* server) {
  const TlsCertificates* certificates = static_cast<TlsServer*>(server)->certificates_.get();
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  SSL_CTX* context =
      name == nullptr || certificates == nullptr ? nullptr : certificates->find(name);
  if (context != nullptr) {
    SSL_set_SSL_CTX(ssl, context);
  }
  return SSL_TLSEXT_ERR_OK;
}

std::unique_ptr<StreamCipher> TlsServer::accept(int fd) {
  return TlsStream::accept(context_.get(), fd);
}

}  // namespace duet::net
