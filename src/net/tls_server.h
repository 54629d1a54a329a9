#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "net/stream_cipher.h"
#include "net/tls_context.h"

// The server's side of TLS 1.2 and 1.3 (RFC 8446, RFC 5246) by OpenSSL.
namespace duet::net {

// A certificate and the names for which it is shown.
struct ServerCertificate {
  std::vector<std::string> hosts;  // lower case; exact, or "*." for one label
  std::string chain_pem;
  std::string key_pem;
};

// Certificates ready for handshakes, by the name that the client asks for. Immutable; a handshake
// that has begun keeps what it needs.
class TlsCertificates {
 public:
  // For a host that several name the first is taken. What is equal in `earlier` (may be null) is
  // not made again. One that OpenSSL refuses is left out, and `refused` is told its place and why.
  static std::shared_ptr<const TlsCertificates> make(
      std::span<const ServerCertificate> certificates, const TlsCertificates* earlier,
      const std::function<void(std::size_t place, const std::string& why)>& refused);

  // For server_name (any case); null: none fits.
  SSL_CTX* find(std::string_view server_name) const;

 private:
  using Context = std::shared_ptr<SSL_CTX>;
  std::unordered_map<std::string, Context> by_pem_;  // chain and key
  std::unordered_map<std::string, Context> by_host_;
};

// Makes ciphers for accepted connections. The certificate is chosen by SNI; a name that no
// certificate has, or none, gets one that vouches for nobody, made at the start: the connection is
// encrypted and its client is warned. Sessions are resumed by tickets whose keys live here. Not
// thread-safe; outlives its ciphers.
class TlsServer {
 public:
  static Result<std::unique_ptr<TlsServer>> create();

  // New handshakes choose among these from now on.
  void set_certificates(std::shared_ptr<const TlsCertificates> certificates) {
    certificates_ = std::move(certificates);
  }
  const TlsCertificates* certificates() const { return certificates_.get(); }

  // For the non-blocking socket `fd`, which stays the caller's. Null: out of memory.
  std::unique_ptr<StreamCipher> accept(int fd);

 private:
  explicit TlsServer(TlsContext context) : context_(std::move(context)) {}
  static int choose_certificate(SSL* ssl, int* alert, void* server);

  TlsContext context_;
  std::shared_ptr<const TlsCertificates> certificates_;
};

}  // namespace duet::net
