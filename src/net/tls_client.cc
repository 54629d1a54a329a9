#include "net/tls_client.h"

#include <openssl/x509v3.h>

#include "net/certificate.h"
#include "net/ip_address.h"
#include "net/openssl_error.h"
#include "net/tls_stream.h"
#include "sys/file.h"

namespace duet::net {
namespace {

// What is spoken inside, as RFC 7301 writes it.
constexpr unsigned char kProtocols[] = "\x08http/1.1";

// Says who must be at the other end (RFC 9110 section 4.3.4). Names are in subjectAltName alone.
bool expect_server(SSL* ssl, const std::string& name) {
  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl);
  if (IpAddress::parse(name)) {
    return X509_VERIFY_PARAM_set1_ip_asc(expected, name.c_str()) == 1;
  }
  X509_VERIFY_PARAM_set_hostflags(
      expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  return X509_VERIFY_PARAM_set1_host(expected, name.data(), name.size()) == 1 &&
         SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
}

}  // namespace

// Debian and those that are like it, Fedora and those that are like it.
TlsClient::TlsClient(const sys::Clock& clock)
    : TlsClient(clock, {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"}) {
}

void TlsClient::set_authorities(std::string pem) {
  if (pem != authorities_pem_) {
    authorities_pem_ = std::move(pem);
    context_.reset();
    sessions_.clear();
  }
}

Status TlsClient::set_certificate(const std::string& chain_pem, const std::string& key_pem) {
  if (!chain_pem.empty()) {
    DUET_TRY(check_certificate(chain_pem, key_pem));
  }
  chain_pem_ = chain_pem;
  key_pem_ = key_pem;
  context_.reset();
  sessions_.clear();  // a resumed one would still be the old certificate's
  return {};
}

TlsClient::SystemFile TlsClient::find_system_file() const {
  for (const std::string& path : system_files_) {
    if (const auto stamp = sys::FileStamp::of(path)) {
      return {path, stamp};
    }
  }
  return {};
}

// Makes the context that the next connection gets, if there is none or its authorities are old.
Status TlsClient::refresh_trust() {
  const sys::MonotonicTime now = clock_.monotonic();
  if (context_ && now - checked_ < kTrustCheck) {
    return {};
  }
  checked_ = now;
  SystemFile file = find_system_file();
  if (context_ && file == read_file_) {
    return {};
  }
  DUET_ASSIGN(context_, make_context(file));
  read_file_ = std::move(file);
  sessions_.clear();
  return {};
}

Result<TlsContext> TlsClient::make_context(const SystemFile& file) {
  DUET_ASSIGN(TlsContext context, make_tls_context(TLS_client_method()));
  Authorities authorities;
  if (!file.path.empty()) {
    if (const auto pem = sys::read_file(file.path, kTrustBytes); pem.ok()) {
      (void)authorities.add(*pem);  // what is damaged vouches for nobody
    }
  }
  (void)authorities.add(authorities_pem_);
  DUET_ASSIGN(TrustStore store, make_trust_store(std::move(authorities)));
  SSL_CTX* raw = context.get();
  SSL_CTX_set_cert_store(raw, store.release());  // owns it from now on
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(raw, on_new_session);
  SSL_CTX_set_app_data(raw, this);
  if (!chain_pem_.empty()) {
    DUET_TRY(use_certificate(raw, chain_pem_, key_pem_));
  }
  if (SSL_CTX_set_alpn_protos(raw, kProtocols, sizeof(kProtocols) - 1) != 0) {
    return openssl_error("making a TLS context");
  }
  return context;
}

Result<std::unique_ptr<StreamCipher>> TlsClient::connect(int fd, const std::string& name,
                                                         const std::string& server) {
  DUET_TRY(refresh_trust());
  std::unique_ptr<SSL, FreeSsl> ssl(SSL_new(context_.get()));
  if (!ssl || !expect_server(ssl.get(), name)) {
    return openssl_error(("TLS for " + name).c_str());
  }
  X509_VERIFY_PARAM_set_time(SSL_get0_param(ssl.get()),
                             std::chrono::system_clock::to_time_t(clock_.now()));
  SSL_set_app_data(ssl.get(), const_cast<std::string*>(&server));
  offer_session(ssl.get(), server);
  SSL_set_connect_state(ssl.get());
  std::unique_ptr<StreamCipher> cipher = TlsStream::create(std::move(ssl), fd);
  if (!cipher) {
    return openssl_error(("TLS for " + name).c_str());
  }
  return cipher;
}

// A ticket of TLS 1.3 is used once, so that nobody can tell by it that two connections are one
// client's (RFC 8446 appendix C.4).
void TlsClient::offer_session(SSL* ssl, const std::string& server) {
  const auto found = sessions_.find(server);
  if (found == sessions_.end()) {
    return;
  }
  Session& session = found->second;
  if (is_old(session)) {
    sessions_.erase(found);
  } else if (session.ticket) {
    SSL_set_session(ssl, session.ticket.get());
    if (SSL_SESSION_get_protocol_version(session.ticket.get()) >= TLS1_3_VERSION) {
      session.ticket.reset();
    }
  }
}

// 1: the session is kept, with the reference that OpenSSL has for it.
int TlsClient::on_new_session(SSL* ssl, SSL_SESSION* session) {
  SSL_CTX* context = SSL_get_SSL_CTX(ssl);
  auto& self = *static_cast<TlsClient*>(SSL_CTX_get_app_data(context));
  const bool trusted = context == self.context_.get();  // by the authorities of now
  const auto& server = *static_cast<const std::string*>(SSL_get_app_data(ssl));
  return trusted && self.keep_session(server, session, SSL_session_reused(ssl) == 1) ? 1 : 0;
}

bool TlsClient::keep_session(const std::string& server, SSL_SESSION* session, bool resumed) {
  auto found = sessions_.find(server);
  if (found == sessions_.end()) {
    if (resumed) {
      return false;  // nobody knows any more when its certificate was verified
    }
    if (sessions_.size() >= kSessionLimit) {
      std::erase_if(sessions_, [this](const auto& entry) { return is_old(entry.second); });
    }
    if (sessions_.size() >= kSessionLimit) {
      sessions_.erase(sessions_.begin());
    }
    found = sessions_.try_emplace(server).first;
  }
  if (!resumed) {
    found->second.verified = clock_.monotonic();
  }
  found->second.ticket.reset(session);
  return true;
}

}  // namespace duet::net
