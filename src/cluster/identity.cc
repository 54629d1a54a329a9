#include "cluster/identity.h"

#include <chrono>

#include "cluster/certificate_signing.h"
#include "cluster/kubeconfig.h"
#include "net/certificate.h"
#include "sys/file.h"

namespace duet::cluster {
namespace {

constexpr std::size_t kFileBytes = 1 << 20;
constexpr std::chrono::minutes kApprovalLimit{15};
constexpr const char* kClientSigner = "kubernetes.io/kube-apiserver-client-kubelet";

std::string kept_file(const std::string& directory) { return directory + "/kubeconfig"; }

// "K10<hash of the authority>::<token>" is how k3s prints a token.
std::string plain_token(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
    text.pop_back();
  }
  const std::size_t end = text.find("::");
  return text.starts_with("K10") && end != std::string::npos ? text.substr(end + 2) : text;
}

Result<std::string> read_token(const std::string& path) {
  auto text = sys::read_file(path, kFileBytes);
  if (!text.ok()) {
    return text.error().wrap("--token-file");
  }
  std::string token = plain_token(std::move(*text));
  if (token.empty() || token.find_first_of(" \t\r\n") != std::string::npos) {
    return invalid("--token-file " + path + ": one line with a bootstrap token is expected");
  }
  if (token.find(':') != std::string::npos) {
    return invalid("--token-file " + path +
                   ": this is the secret of a k3s server, which would let a node do anything; make "
                   "a token for nodes with `k3s token create`");
  }
  return token;
}

}  // namespace

Result<Access> read_bootstrap_access(const JoinOptions& options) {
  if (!options.bootstrap_kubeconfig.empty()) {
    if (!options.server.empty()) {
      return invalid("--join and --bootstrap-kubeconfig: one of them is enough");
    }
    auto access = read_kubeconfig(options.bootstrap_kubeconfig);
    return access.ok() ? access : access.error().wrap("--bootstrap-kubeconfig");
  }
  Access access;
  auto endpoint = parse_endpoint(options.server);
  if (!endpoint.ok()) {
    return endpoint.error().wrap("--join");
  }
  access.endpoint = std::move(*endpoint);
  if (options.ca_file.empty() || options.token_file.empty()) {
    return invalid("--join needs --ca-file, the cluster's authority, and --token-file");
  }
  auto ca = sys::read_file(options.ca_file, kFileBytes);
  if (!ca.ok()) {
    return ca.error().wrap("--ca-file");
  }
  access.endpoint.ca_pem = std::move(*ca);
  DUET_ASSIGN(access.token, read_token(options.token_file));
  return access;
}

Result<Access> read_kept_access(const std::string& directory) {
  return read_kubeconfig(kept_file(directory));
}

void Identity::load() {
  const Status loaded = load_kept();
  if (!loaded.ok() && loaded.error().code() != ErrorCode::kNotFound) {
    options_.log("cluster: the certificate in " + options_.directory +
                 " cannot be used, joining anew: " + loaded.error().message());
  }
}

Status Identity::load_kept() {
  DUET_ASSIGN(const Access kept, read_kept_access(options_.directory));
  // A site that is told to join another cluster has nothing to show there.
  if (const auto now = access_.get(); kept.endpoint != now->endpoint) {
    return invalid("it is for " + kept.endpoint.url() + " or another authority, not for " +
                   now->endpoint.url());
  }
  return take(kept);
}

bool Identity::missing() const { return !has_certificate_ || now_s() >= ends_s_; }

bool Identity::due() const { return has_certificate_ && now_s() >= renew_at_s_; }

Status Identity::join(const std::stop_token& stop) {
  DUET_ASSIGN(Access bootstrap, read_bootstrap_access(options_.join));
  const CurrentAccess by(std::move(bootstrap));
  return obtain(by, stop);
}

Status Identity::renew(const std::stop_token& stop) { return obtain(access_, stop); }

Status Identity::obtain(const CurrentAccess& by, const std::stop_token& stop) {
  const std::string pending = options_.directory + "/client.key.pending";
  DUET_ASSIGN(const PreparedRequest prepared,
              prepare({.subject = {.organization = "system:nodes", .common_name = user()},
                       .signer = kClientSigner,
                       .usages = {"digital signature", "client auth"},
                       .name_prefix = "duet-" + options_.node_name,
                       .key_file = pending}));
  ApiClient api(by, clock_, random_, stop);
  auto chain = have_signed(api, prepared.request, clock_, random_, kApprovalLimit, stop);
  if (!chain.ok()) {
    const ErrorCode code = chain.error().code();
    if (code == ErrorCode::kPermission || code == ErrorCode::kNotFound) {
      (void)sys::remove_tree(pending);  // that request leads nowhere any more
    }
    return chain.error();
  }
  Access access = *by.get();
  access.token.clear();
  access.chain_pem = std::move(*chain);
  access.key_pem = prepared.key_pem;
  DUET_TRY(net::check_certificate(access.chain_pem, access.key_pem));
  DUET_TRY(sys::write_file_atomic(kept_file(options_.directory), write_kubeconfig(access, user()),
                                  0600));
  (void)sys::remove_tree(pending);
  return take(access);
}

Status Identity::take(const Access& access) {
  DUET_ASSIGN(const net::CertificateInfo info,
              net::check_certificate(access.chain_pem, access.key_pem));
  if (info.common_name != user()) {
    return invalid("it is for " + info.common_name + ", not for " + user());
  }
  ends_s_ = info.not_after_s;
  renew_at_s_ = renewal_time_s(info, random_);
  has_certificate_ = true;
  access_.set(access);
  return {};
}

}  // namespace duet::cluster
