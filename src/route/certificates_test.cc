#include "route/certificates.h"

#include <gtest/gtest.h>

#include "net/certificate.h"

namespace duet::route {
namespace {

object::Secret tls_secret(const std::string& name, const net::SelfSigned& made) {
  object::Secret secret;
  secret.meta.ns = "default";
  secret.meta.name = name;
  secret.type = "kubernetes.io/tls";
  secret.data = {{"tls.crt", made.chain_pem}, {"tls.key", made.key_pem}};
  return secret;
}

object::Ingress ingress(const std::string& name, std::vector<object::IngressTls> tls) {
  object::Ingress ingress;
  ingress.meta.ns = "default";
  ingress.meta.name = name;
  ingress.meta.creation_timestamp = "2026-01-01T00:00:00Z";
  ingress.tls = std::move(tls);
  return ingress;
}

constexpr std::int64_t kIn2026 = 1'800'000'000;

// What build_table says of one Ingress with `tls` and these Secrets: reasons and messages.
struct Said {
  std::vector<gateway::Certificate> certificates;
  std::vector<std::string> problems;
};
Said said_of(std::vector<object::IngressTls> tls, std::vector<object::Secret> secrets,
             std::int64_t now_s = kIn2026) {
  SiteObjects site;
  site.ingresses = {ingress("web", std::move(tls))};
  site.secrets = std::move(secrets);
  site.now_s = now_s;
  const auto built = build_table(site);
  Said said{.certificates = built.table.certificates, .problems = {}};
  for (const auto& problem : built.problems) {
    EXPECT_EQ(problem.about.name, "web");
    said.problems.push_back(problem.reason + ": " + problem.message);
  }
  return said;
}

using Lines = std::vector<std::string>;

TEST(AddCertificates, TakesTheSecretOfEachEntry) {
  const auto made = *net::make_self_signed("x");
  const Said said = said_of({{{"a.test", "*.b.test"}, "one"}, {{}, ""}}, {tls_secret("one", made)});
  ASSERT_EQ(said.certificates.size(), 1U);
  EXPECT_EQ(said.certificates[0].name, "secret default/one");
  EXPECT_EQ(said.certificates[0].hosts, (Lines{"a.test", "*.b.test"}));
  EXPECT_EQ(said.certificates[0].chain_pem, made.chain_pem);
  EXPECT_EQ(said.certificates[0].key_pem, made.key_pem);
  // It vouches for no name, and is shown all the same.
  EXPECT_EQ(said.problems,
            (Lines{"CertificateMismatch: secret default/one does not have the name a.test",
                   "CertificateMismatch: secret default/one does not have the name *.b.test"}));
}

TEST(AddCertificates, SaysWhatIsMissingOrBroken) {
  const auto made = *net::make_self_signed("x");
  object::Secret opaque = tls_secret("opaque", made);
  opaque.type = "Opaque";
  object::Secret torn = tls_secret("torn", made);
  torn.data = {{"tls.crt", made.chain_pem}};
  object::Secret other_ns = tls_secret("elsewhere", made);
  other_ns.meta.ns = "other";
  const Said said = said_of({{{"a.test"}, "gone"},
                             {{"a.test"}, "opaque"},
                             {{"a.test"}, "torn"},
                             {{"a.test"}, "elsewhere"}},
                            {opaque, torn, other_ns});
  EXPECT_TRUE(said.certificates.empty());
  EXPECT_EQ(said.problems,
            (Lines{"CertificateNotFound: secret default/gone does not exist",
                   "CertificateNotFound: secret default/opaque is of type Opaque, not "
                   "kubernetes.io/tls",
                   "InvalidCertificate: secret default/torn: the private key is not PEM",
                   "CertificateNotFound: secret default/elsewhere does not exist"}));
}

TEST(AddCertificates, ShowsACertificateThatIsNotValidNowAndSaysSo) {
  const auto made = *net::make_self_signed("x");
  const Said early = said_of({{{}, "one"}}, {tls_secret("one", made)}, 1'000'000'000);
  ASSERT_EQ(early.certificates.size(), 1U);
  EXPECT_EQ(early.problems,
            (Lines{"CertificateExpired: secret default/one is valid from 2020-01-01T00:00:00Z"}));
  const Said late = said_of({{{}, "one"}}, {tls_secret("one", made)}, 253'402'300'800);
  ASSERT_EQ(late.certificates.size(), 1U);
  EXPECT_EQ(late.problems,
            (Lines{"CertificateExpired: secret default/one expired at 9999-12-31T23:59:59Z"}));
}

}  // namespace
}  // namespace duet::route
