#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/tls_context.h"
#include "net/tls_stream.h"

// The server's side of TLS 1.2 and 1.3 for servers of HTTP/1.1 that ask who their clients are.
namespace duet::net {

// Who a client's certificate is for: its subject (RFC 5280 section 4.1.2.6).
struct PeerSubject {
  std::string common_name;
  std::vector<std::string> organizations;
};

// The subject of the certificate that the peer of `stream` has shown, once its handshake is over.
// Nothing: it has shown none, or one that none of the authorities vouches for. Clients are not
// turned away for that: they may have something else to show.
std::optional<PeerSubject> verified_peer(const TlsStream& stream);

// Makes ciphers for accepted connections. Thread-safe; its ciphers may outlive it. No session is
// resumed: each connection shows its certificate.
class MutualTlsServer {
 public:
  // `chain_pem` and `key_pem` are the server's own. `client_authorities_pem`: who may vouch for
  // clients, and nobody else. kInvalid: one of them cannot be read.
  static Result<MutualTlsServer> create(std::string_view chain_pem, std::string_view key_pem,
                                        std::string_view client_authorities_pem);

  // For the non-blocking socket `fd`, which stays the caller's. Null: out of memory.
  std::unique_ptr<TlsStream> accept(int fd) const;

 private:
  explicit MutualTlsServer(TlsContext context) : context_(std::move(context)) {}

  TlsContext context_;
};

}  // namespace duet::net
