#include "net/trust_store.h"

#include <gtest/gtest.h>
#include <openssl/x509.h>

#include "net/certificate.h"
#include "net/pem.h"
#include "net/tls_server_for_test.h"

namespace duet::net {
namespace {

// What OpenSSL says of `pem` when it verifies it by these authorities.
int verify(X509_STORE* store, const std::string& pem) {
  const Chain chain = std::move(*read_chain(pem));
  const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> context(
      X509_STORE_CTX_new(), X509_STORE_CTX_free);
  X509_STORE_CTX_init(context.get(), store, chain.front().get(), nullptr);
  X509_verify_cert(context.get());
  return X509_STORE_CTX_get_error(context.get());
}

TEST(TrustStore, FindsWhatAChainNeeds) {
  const AuthorityForTest one("one");
  const AuthorityForTest other("other");
  const AuthorityForTest stranger("stranger");
  Authorities authorities;
  EXPECT_TRUE(authorities.add(one.pem() + "# a comment\n" + other.pem()).ok());
  EXPECT_EQ(authorities.size(), 2U);
  const TrustStore store = std::move(*make_trust_store(std::move(authorities)));
  for (int i = 0; i < 2; ++i) {  // the second time they are in the store
    EXPECT_EQ(verify(store.get(), one.issue("DNS:a.test").chain_pem), X509_V_OK);
    EXPECT_EQ(verify(store.get(), other.issue("DNS:a.test").chain_pem), X509_V_OK);
    EXPECT_EQ(verify(store.get(), one.pem()), X509_V_OK);
    EXPECT_EQ(verify(store.get(), stranger.issue("DNS:a.test").chain_pem),
              X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
  }
}

// An authority that has renewed its key has two certificates with one name.
TEST(TrustStore, KnowsAllOfOneName) {
  const AuthorityForTest before("same");
  const AuthorityForTest after("same");
  Authorities authorities;
  EXPECT_TRUE(authorities.add(before.pem() + after.pem()).ok());
  const TrustStore store = std::move(*make_trust_store(std::move(authorities)));
  EXPECT_EQ(verify(store.get(), after.issue("DNS:a.test").chain_pem), X509_V_OK);
  EXPECT_EQ(verify(store.get(), before.issue("DNS:a.test").chain_pem), X509_V_OK);
}

// A site may name the certificate of its one server.
TEST(TrustStore, TakesACertificateThatIsNoAuthority) {
  const AuthorityForTest authority("one");
  const std::string leaf = authority.issue("DNS:a.test").chain_pem;
  Authorities authorities;
  EXPECT_TRUE(authorities.add(leaf).ok());
  const TrustStore store = std::move(*make_trust_store(std::move(authorities)));
  EXPECT_EQ(verify(store.get(), leaf), X509_V_OK);
}

TEST(TrustStore, SaysWhatIsDamagedAndTakesTheRest) {
  const std::string good = AuthorityForTest("one").pem();
  const SelfSigned other = AuthorityForTest("other").issue("DNS:a.test");
  std::string torn = good;
  torn.erase(torn.size() / 2, 40);
  const struct {
    std::string pem;
    std::size_t size;
    const char* problem;
  } cases[] = {
      {"", 0, "there is no certificate in PEM"},
      {"some text", 0, "there is no certificate in PEM"},
      {good + torn + good, 2, "PEM block 2 is damaged, or no certificate"},
      {good + other.key_pem, 1, "PEM block 2 is damaged, or no certificate"},
      {"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", 0,
       "PEM block 1 is damaged, or no certificate"},
      {"-----BEGIN CERTIFICATE-----\n", 0, "PEM block 1 is damaged, or no certificate"},
  };
  for (const auto& one : cases) {
    Authorities authorities;
    const Status added = authorities.add(one.pem);
    ASSERT_FALSE(added.ok()) << one.pem;
    EXPECT_EQ(added.error().message(), one.problem) << one.pem;
    EXPECT_EQ(authorities.size(), one.size) << one.pem;
  }
}

}  // namespace
}  // namespace duet::net
