#include "kubelet/server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <stop_token>

#include "api/exchange.h"
#include "kubelet/gate.h"
#include "kubelet/routes.h"
#include "kubelet/serving_certificate.h"
#include "net/connection_threads.h"
#include "net/http_server.h"
#include "net/socket.h"
#include "sys/file.h"

namespace duet::kubelet {
namespace {

constexpr std::size_t kBodyBytes = 64 << 10;  // nothing here reads one
constexpr std::size_t kCaFileBytes = 1 << 20;
const net::HttpLimits kLimits{.head_bytes = 64 << 10, .target_bytes = 32 << 10};

// A client that is gone without a word is found out after about two minutes, also in a session
// without limits of time.
void prepare_socket(int fd) {
  constexpr int kIdleSeconds = 60;
  constexpr int kProbeSeconds = 15;
  constexpr int kProbes = 4;
  const int on = 1;
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &kIdleSeconds, sizeof(kIdleSeconds));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &kProbeSeconds, sizeof(kProbeSeconds));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &kProbes, sizeof(kProbes));
}

class TlsServer final : public Server {
 public:
  TlsServer(const api::Context& context, const cluster::CurrentAccess& access,
            const sys::Clock& clock, sys::Random& random, ServerOptions options)
      : context_(context),
        access_(access),
        clock_(clock),
        random_(random),
        options_(std::move(options)),
        gate_(access, options_.node_name, clock, random, stop_.get_token()) {}

  Status begin(sys::Fd listener) {
    DUET_ASSIGN(const std::string authorities, client_authorities());
    DUET_ASSIGN(certificate_, ServingCertificate::start({.node_name = options_.node_name,
                                                         .dns_names = options_.dns_names,
                                                         .ip_addresses = options_.ip_addresses,
                                                         .directory = options_.directory,
                                                         .client_authorities_pem = authorities,
                                                         .log = options_.log},
                                                        access_, clock_, random_));
    DUET_ASSIGN(connections_, net::ConnectionThreads::start(
                                  std::move(listener),
                                  {.connection_limit = options_.connection_limit,
                                   .serve = [this](sys::Fd socket) { serve(std::move(socket)); },
                                   .refuse = [](const sys::Fd&) {}}));
    return {};
  }

  ~TlsServer() override { stop_.request_stop(); }

 private:
  Result<std::string> client_authorities() const {
    if (options_.client_ca_file.empty()) {
      return access_.get()->endpoint.ca_pem;
    }
    auto pem = sys::read_file(options_.client_ca_file, kCaFileBytes);
    return pem.ok() ? pem : pem.error().wrap("cluster.clientCAFile");
  }

  void serve(sys::Fd socket) {
    prepare_socket(socket.get());
    const int fd = socket.get();
    auto tls = certificate_->tls()->accept(fd);
    if (!tls) {
      return;
    }
    const net::TlsStream& peer = *tls;
    net::ServerConnection connection(
        std::move(socket),
        std::make_unique<net::CipherByteStream>(fd, std::move(tls), options_.timeout_ms), kLimits);
    while (true) {
      connection.stream().set_timeout(options_.timeout_ms);  // answers may have changed it
      const auto request = connection.next();
      if (!request.ok() || !request->has_value()) {
        return;
      }
      api::Exchange exchange(context_, connection, **request, kBodyBytes);
      answer(exchange, net::verified_peer(peer));
    }
  }

  void answer(api::Exchange& exchange, const std::optional<net::PeerSubject>& peer) {
    const auto& request = exchange.request;
    const auto user = gate_.authenticate(peer, net::find_value(request.fields, "Authorization"));
    if (!user.ok()) {
      return exchange.answer_text(401, "Unauthorized");
    }
    const Status allowed = gate_.authorize(*user, request.method, request.path);
    if (!allowed.ok()) {
      const bool denied = allowed.error().code() == ErrorCode::kPermission;
      return exchange.answer_text(
          denied ? 403 : 500,
          denied ? allowed.error().message() : "Authorization error: " + allowed.error().message());
    }
    route(exchange, {.name = options_.node_name,
                     .measured_path = options_.measured_path,
                     .has_site_pods = options_.has_site_pods});
  }

  const api::Context context_;
  const cluster::CurrentAccess& access_;
  const sys::Clock& clock_;
  sys::Random& random_;
  const ServerOptions options_;
  std::stop_source stop_;
  Gate gate_;
  std::unique_ptr<ServingCertificate> certificate_;
  std::unique_ptr<net::ConnectionThreads> connections_;  // first to go
};

}  // namespace

Result<Listening> listen(const std::string& address) {
  DUET_ASSIGN(const auto wanted, net::parse_address(address));
  DUET_ASSIGN(sys::Fd socket, net::listen_tcp(wanted));
  DUET_ASSIGN(const auto bound, net::local_address(socket.get()));
  const bool v6 = bound.storage.ss_family == AF_INET6;
  const in_port_t port = v6 ? reinterpret_cast<const sockaddr_in6*>(&bound.storage)->sin6_port
                            : reinterpret_cast<const sockaddr_in*>(&bound.storage)->sin_port;
  return Listening{std::move(socket), ntohs(port)};
}

Result<std::unique_ptr<Server>> Server::start(const api::Context& context, Listening listening,
                                              const cluster::CurrentAccess& access,
                                              const sys::Clock& clock, sys::Random& random,
                                              ServerOptions options) {
  auto server = std::make_unique<TlsServer>(context, access, clock, random, std::move(options));
  DUET_TRY(server->begin(std::move(listening.socket)));
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace duet::kubelet
