#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "cluster/access.h"
#include "net/certificate.h"
#include "net/mutual_tls.h"
#include "sys/clock.h"
#include "sys/randomness.h"

namespace duet::kubelet {

// The certificate that the kubelet's API shows (signer kubernetes.io/kubelet-serving): asked for
// with the node's own certificate, kept in `directory`, asked for anew before it ends. Until
// somebody has approved it a certificate serves that vouches for nobody, as a kubelet's does. Has a
// thread of its own.
class ServingCertificate {
 public:
  struct Options {
    std::string node_name;
    std::vector<std::string> dns_names;
    std::vector<std::string> ip_addresses;
    std::string directory;               // <state>/cluster
    std::string client_authorities_pem;  // who may vouch for clients
    std::function<void(const std::string& line)> log;
    std::int64_t look_ms = 60'000;  // between two looks at the clock: is it time to renew
    std::int64_t retry_first_ms = 1'000;
    std::int64_t retry_limit_ms = 60'000;
    std::int64_t refused_ms = 900'000;  // before an administrator is asked again who has denied
  };

  // Takes what an agent before this one kept. What is given must outlive it. kInvalid: there is no
  // authority for clients.
  static Result<std::unique_ptr<ServingCertificate>> start(Options options,
                                                           const cluster::CurrentAccess& access,
                                                           const sys::Clock& clock,
                                                           sys::Random& random);
  ~ServingCertificate();
  ServingCertificate(const ServingCertificate&) = delete;
  ServingCertificate& operator=(const ServingCertificate&) = delete;

  // For new connections; any thread.
  std::shared_ptr<const net::MutualTlsServer> tls() const;

 private:
  ServingCertificate(Options options, const cluster::CurrentAccess& access, const sys::Clock& clock,
                     sys::Random& random)
      : options_(std::move(options)), access_(access), clock_(clock), random_(random) {}

  Status serve_with(const std::string& chain_pem, const std::string& key_pem);
  Status take(const std::string& chain_pem, const std::string& key_pem);
  Status load_kept();
  bool fits(const net::CertificateInfo& info) const;
  void keep_current(const std::stop_token& stop);
  bool can_ask() const { return !access_.get()->chain_pem.empty(); }
  bool due() const;
  Status obtain(const std::stop_token& stop);
  std::string kept_file() const { return options_.directory + "/serving.pem"; }
  std::string user() const { return "system:node:" + options_.node_name; }

  const Options options_;
  const cluster::CurrentAccess& access_;
  const sys::Clock& clock_;
  sys::Random& random_;
  std::int64_t renew_at_s_ = 0;  // seconds since 1970; 0: there is none yet
  mutable std::mutex mutex_;     // of tls_
  std::shared_ptr<const net::MutualTlsServer> tls_;
  std::jthread keeper_;  // the last member: it uses the others
};

}  // namespace duet::kubelet
