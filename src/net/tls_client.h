#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "net/stream_cipher.h"
#include "net/tls_context.h"
#include "net/trust_store.h"
#include "sys/clock.h"
#include "sys/file_stamp.h"

namespace duet::net {

// Makes ciphers for connections to servers of HTTP/1.1: the client's side of TLS 1.2 and 1.3. A
// server must show a certificate for the name that it was asked by, from an authority of the system
// or one that set_authorities() has named. Nothing is read and made before the first connection.
// Not thread-safe; outlives its ciphers.
class TlsClient {
 public:
  static constexpr std::size_t kTrustBytes = 8 << 20;  // of the system's authorities
  // After this they are looked at once more, when a connection is made: the file may be new.
  static constexpr sys::Duration kTrustCheck = std::chrono::minutes(1);
  // Sessions for short handshakes, of as many servers.
  static constexpr std::size_t kSessionLimit = 64;
  // A certificate is verified again after this, though its server would resume the session.
  static constexpr sys::Duration kSessionLife = std::chrono::minutes(10);

  // `clock` must outlive this. `system_files`: where the system's authorities may stand, PEM; the
  // first that exists is taken.
  explicit TlsClient(const sys::Clock& clock);
  TlsClient(const sys::Clock& clock, std::vector<std::string> system_files)
      : clock_(clock), system_files_(std::move(system_files)) {}
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // Authorities beside the system's, PEM, for handshakes that begin from now on.
  void set_authorities(std::string pem);

  // What this client shows to servers that ask for a certificate, and its key, both PEM; for
  // handshakes that begin from now on. Empty: none. kInvalid: they do not belong together.
  Status set_certificate(const std::string& chain_pem, const std::string& key_pem);

  // For the non-blocking socket `fd`, which stays the caller's and may still be connecting. The
  // server's certificate must be for `name`: a DNS name, which is also told to the server (SNI), or
  // an IP address. `server` names it among all that are asked: sessions are kept under it. It must
  // outlive the cipher. kInternal: OpenSSL refuses.
  Result<std::unique_ptr<StreamCipher>> connect(int fd, const std::string& name,
                                                const std::string& server);

 private:
  struct FreeSession {
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  };
  struct Session {
    sys::MonotonicTime verified;
    std::unique_ptr<SSL_SESSION, FreeSession> ticket;  // null: it was used
  };
  struct SystemFile {
    std::string path;  // empty: there is none
    std::optional<sys::FileStamp> stamp;
    bool operator==(const SystemFile&) const = default;
  };

  SystemFile find_system_file() const;
  Status refresh_trust();
  Result<TlsContext> make_context(const SystemFile& file);
  void offer_session(SSL* ssl, const std::string& server);
  static int on_new_session(SSL* ssl, SSL_SESSION* session);
  bool keep_session(const std::string& server, SSL_SESSION* session, bool resumed);
  bool is_old(const Session& session) const {
    return clock_.monotonic() - session.verified >= kSessionLife;
  }

  const sys::Clock& clock_;
  std::vector<std::string> system_files_;
  std::string authorities_pem_;
  std::string chain_pem_;
  std::string key_pem_;
  SystemFile read_file_;  // the one that context_ has
  sys::MonotonicTime checked_;
  TlsContext context_;
  std::unordered_map<std::string, Session> sessions_;
};

}  // namespace duet::net
