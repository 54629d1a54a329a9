#include "kubelet/serving_certificate.h"

#include <algorithm>
#include <chrono>

#include "cluster/api_client.h"
#include "cluster/backoff.h"
#include "cluster/certificate_signing.h"
#include "sys/file.h"

namespace duet::kubelet {
namespace {

constexpr std::size_t kFileBytes = 1 << 20;
constexpr std::chrono::minutes kApprovalLimit{15};  // then the request is looked at anew
constexpr const char* kSigner = "kubernetes.io/kubelet-serving";

template <typename T>
bool has_all(const std::vector<T>& all, const std::vector<T>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const T& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
  });
}

}  // namespace

Result<std::unique_ptr<ServingCertificate>> ServingCertificate::start(
    Options options, const cluster::CurrentAccess& access, const sys::Clock& clock,
    sys::Random& random) {
  std::unique_ptr<ServingCertificate> made(
      new ServingCertificate(std::move(options), access, clock, random));
  const Status loaded = made->load_kept();
  if (!loaded.ok()) {
    if (loaded.error().code() != ErrorCode::kNotFound) {
      made->options_.log("kubelet: the certificate in " + made->kept_file() +
                         " cannot be used, asking anew: " + loaded.error().message());
    }
    DUET_ASSIGN(const auto nobody, net::make_self_signed(made->user()));
    DUET_TRY(made->serve_with(nobody.chain_pem, nobody.key_pem));
  }
  made->keeper_ =
      std::jthread([self = made.get()](const std::stop_token& stop) { self->keep_current(stop); });
  return made;
}

ServingCertificate::~ServingCertificate() = default;

std::shared_ptr<const net::MutualTlsServer> ServingCertificate::tls() const {
  const std::lock_guard lock(mutex_);
  return tls_;
}

Status ServingCertificate::serve_with(const std::string& chain_pem, const std::string& key_pem) {
  DUET_ASSIGN(auto tls,
              net::MutualTlsServer::create(chain_pem, key_pem, options_.client_authorities_pem));
  const std::lock_guard lock(mutex_);
  tls_ = std::make_shared<const net::MutualTlsServer>(std::move(tls));
  return {};
}

// A node may have moved since it asked.
bool ServingCertificate::fits(const net::CertificateInfo& info) const {
  return info.common_name == user() && has_all(info.names, options_.dns_names) &&
         has_all(info.addresses, options_.ip_addresses);
}

Status ServingCertificate::take(const std::string& chain_pem, const std::string& key_pem) {
  DUET_ASSIGN(const auto info, net::check_certificate(chain_pem, key_pem));
  if (!fits(info)) {
    return invalid("it is for " + info.common_name +
                   " and not for this node with all its names and addresses");
  }
  DUET_TRY(serve_with(chain_pem, key_pem));
  renew_at_s_ = cluster::renewal_time_s(info, random_);
  return {};
}

Status ServingCertificate::load_kept() {
  DUET_ASSIGN(const std::string kept, sys::read_file(kept_file(), kFileBytes));
  return take(kept, kept);  // both stand in one file, so that they belong together
}

bool ServingCertificate::due() const {
  return std::chrono::duration_cast<std::chrono::seconds>(clock_.now().time_since_epoch())
             .count() >= renew_at_s_;
}

void ServingCertificate::keep_current(const std::stop_token& stop) {
  cluster::Backoff backoff(options_.retry_first_ms, options_.retry_limit_ms, random_);
  std::string said;
  while (!stop.stop_requested()) {
    if (!can_ask()) {  // the node has not joined yet
      cluster::pause_for(stop, options_.retry_first_ms);
      continue;
    }
    if (!due()) {
      cluster::pause_for(stop, options_.look_ms);
      continue;
    }
    const Status done = obtain(stop);
    if (stop.stop_requested()) {
      return;
    }
    if (done.ok()) {
      options_.log("kubelet: serving with the cluster's certificate");
      said.clear();
      backoff.reset();
      continue;
    }
    if (done.error().message() != said) {
      said = done.error().message();
      options_.log("kubelet: the serving certificate: " + said);
    }
    const bool refused = done.error().code() == ErrorCode::kPermission;
    cluster::pause_for(stop, refused ? options_.refused_ms : backoff.next_ms());
  }
}

Status ServingCertificate::obtain(const std::stop_token& stop) {
  const std::string pending = options_.directory + "/serving.key.pending";
  const bool new_request = !sys::file_exists(pending);
  DUET_ASSIGN(const auto prepared,
              cluster::prepare({.subject = {.organization = "system:nodes",
                                            .common_name = user(),
                                            .dns_names = options_.dns_names,
                                            .ip_addresses = options_.ip_addresses},
                                .signer = kSigner,
                                .usages = {"digital signature", "server auth"},
                                .name_prefix = "duet-serving-" + options_.node_name,
                                .key_file = pending}));
  if (new_request) {
    options_.log("kubelet: kubectl certificate approve " + prepared.request.name +
                 " lets clients verify this node; until then its certificate vouches for nobody");
  }
  cluster::ApiClient api(access_, clock_, random_, stop);
  const auto chain =
      cluster::have_signed(api, prepared.request, clock_, random_, kApprovalLimit, stop);
  if (!chain.ok()) {
    const ErrorCode code = chain.error().code();
    if (code == ErrorCode::kPermission || code == ErrorCode::kNotFound) {
      (void)sys::remove_tree(pending);  // that request leads nowhere any more
    }
    return chain.error();
  }
  if (const Status taken = take(*chain, prepared.key_pem); !taken.ok()) {
    (void)sys::remove_tree(pending);  // it was made for other names than this node has now
    return taken;
  }
  DUET_TRY(sys::write_file_atomic(kept_file(), *chain + prepared.key_pem, 0600));
  return sys::remove_tree(pending);
}

}  // namespace duet::kubelet
