#include "route/certificates.h"

#include <algorithm>
#include <ctime>

#include "net/certificate.h"
#include "route/oldest_first.h"

namespace duet::route {
namespace {

constexpr const char* kTlsType = "kubernetes.io/tls";

// RFC 3339. Certificates may end in the year 9999, which no clock of nanoseconds holds.
std::string date(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

class Certificates {
 public:
  Certificates(const SiteObjects& site, BuiltTable& built) : site_(site), built_(built) {}

  void add(const object::Ingress& ingress, const object::IngressTls& tls) {
    if (tls.secret_name.empty()) {
      return;  // the default certificate is what it asks for
    }
    const std::string name = "secret " + ingress.meta.ns + "/" + tls.secret_name;
    const object::Secret* secret = find_secret(ingress.meta.ns, tls.secret_name);
    if (secret == nullptr || secret->type != kTlsType) {
      problem(ingress, "CertificateNotFound",
              name + (secret == nullptr ? " does not exist"
                                        : " is of type " + secret->type + ", not " + kTlsType));
      return;
    }
    const std::string chain = value_of(secret->data, "tls.crt");
    const std::string key = value_of(secret->data, "tls.key");
    const auto info = net::check_certificate(chain, key);
    if (!info.ok()) {
      problem(ingress, "InvalidCertificate", name + ": " + info.error().message());
      return;
    }
    const auto& hosts = tls.hosts.empty() ? info->names : tls.hosts;
    judge(ingress, name, hosts, *info);
    built_.table.certificates.push_back(
        {.name = name, .hosts = hosts, .chain_pem = chain, .key_pem = key});
  }

 private:
  void judge(const object::Ingress& ingress, const std::string& name,
             const std::vector<std::string>& hosts, const net::CertificateInfo& info) {
    if (site_.now_s > info.not_after_s) {
      problem(ingress, "CertificateExpired", name + " expired at " + date(info.not_after_s));
    } else if (site_.now_s < info.not_before_s) {
      problem(ingress, "CertificateExpired", name + " is valid from " + date(info.not_before_s));
    }
    for (const std::string& host : hosts) {
      const bool covered =
          std::any_of(info.names.begin(), info.names.end(),
                      [&host](const auto& one) { return net::name_covers(one, host); });
      if (!covered) {
        problem(ingress, "CertificateMismatch", name + " does not have the name " + host);
      }
    }
  }

  const object::Secret* find_secret(const std::string& ns, const std::string& name) const {
    const auto found =
        std::find_if(site_.secrets.begin(), site_.secrets.end(),
                     [&](const auto& one) { return one.meta.ns == ns && one.meta.name == name; });
    return found == site_.secrets.end() ? nullptr : &*found;
  }

  static std::string value_of(const object::StringMap& data, const std::string& key) {
    const auto found = std::find_if(data.begin(), data.end(),
                                    [&key](const auto& entry) { return entry.first == key; });
    return found == data.end() ? std::string() : found->second;
  }

  void problem(const object::Ingress& ingress, const char* reason, std::string message) {
    built_.problems.push_back({{object::Kind::kIngress, ingress.meta.ns, ingress.meta.name},
                               ingress.meta.uid,
                               reason,
                               std::move(message)});
  }

  const SiteObjects& site_;
  BuiltTable& built_;
};

}  // namespace

void add_certificates(const SiteObjects& site, BuiltTable& built) {
  Certificates certificates(site, built);
  for (const auto* ingress : oldest_first(site.ingresses)) {
    for (const auto& tls : ingress->tls) {
      certificates.add(*ingress, tls);
    }
  }
}

}  // namespace duet::route
