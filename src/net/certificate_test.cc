#include "net/certificate.h"

#include <gtest/gtest.h>

#include "sys/file.h"
#include "sys/run_command.h"

namespace duet::net {
namespace {

constexpr std::int64_t kTimeoutMs = 30'000;
constexpr std::size_t kOutputBytes = 1 << 20;

// A certificate and key as `openssl req` makes them from its options.
SelfSigned made_by_openssl(std::vector<std::string> options) {
  const std::string directory = *sys::make_temporary_directory("/tmp", "duet-certificate-test-");
  std::vector<std::string> argv = {
      "openssl",          "req",  "-x509",           "-nodes", "-subj", "/CN=x", "-keyout",
      directory + "/key", "-out", directory + "/crt"};
  argv.insert(argv.end(), options.begin(), options.end());
  const auto output = sys::run({.argv = argv}, "", kTimeoutMs, kOutputBytes);
  EXPECT_TRUE(output.ok() && output->status.ok()) << output->err;
  SelfSigned made{*sys::read_file(directory + "/crt", kOutputBytes),
                  *sys::read_file(directory + "/key", kOutputBytes)};
  EXPECT_TRUE(sys::remove_tree(directory).ok());
  return made;
}

const std::vector<std::string> kEcKey = {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"};

std::string problem_of(std::string_view chain, std::string_view key) {
  const auto info = check_certificate(chain, key);
  return info.ok() ? "fine" : info.error().message();
}

TEST(CheckCertificate, ReadsNamesAndDates) {
  auto options = kEcKey;
  options.insert(options.end(),
                 {"-days", "2", "-addext", "subjectAltName=DNS:A.test,DNS:*.b.test,IP:127.0.0.1"});
  const SelfSigned made = made_by_openssl(options);
  const auto info = check_certificate(made.chain_pem, made.key_pem);
  ASSERT_TRUE(info.ok()) << info.error().message();
  EXPECT_EQ(info->names, (std::vector<std::string>{"a.test", "*.b.test"}));
  EXPECT_EQ(info->not_after_s - info->not_before_s, 2 * 24 * 3600);
}

TEST(CheckCertificate, SaysWhatIsWrong) {
  const SelfSigned good = *make_self_signed("good");
  const SelfSigned other = *make_self_signed("other");
  EXPECT_EQ(problem_of(good.chain_pem, good.key_pem), "fine");
  EXPECT_EQ(problem_of("", good.key_pem), "the certificate is not PEM");
  EXPECT_EQ(problem_of("hello", good.key_pem), "the certificate is not PEM");
  EXPECT_EQ(problem_of(good.key_pem, good.key_pem), "the certificate is not PEM");
  EXPECT_EQ(problem_of(good.chain_pem, ""), "the private key is not PEM");
  EXPECT_EQ(problem_of(good.chain_pem, good.chain_pem),
            "the private key is damaged, or no private key");
  EXPECT_EQ(problem_of(good.chain_pem, other.key_pem),
            "the private key does not belong to the certificate");
  std::string torn = good.chain_pem;
  torn.replace(torn.size() / 2, 4, "!!!!");
  EXPECT_EQ(problem_of(torn, good.key_pem), "certificate 1 of the chain is damaged");
  EXPECT_EQ(problem_of(good.chain_pem + torn, good.key_pem),
            "certificate 2 of the chain is damaged");
  std::string endless;
  for (int i = 0; i < 20; ++i) {
    endless += good.chain_pem;
  }
  EXPECT_EQ(problem_of(endless, good.key_pem),
            "the certificate chain has more than 16 certificates");
  const SelfSigned weak = made_by_openssl({"-newkey", "rsa:1024"});
  EXPECT_EQ(problem_of(weak.chain_pem, weak.key_pem), "the key is too weak: 1024 bits");
}

TEST(CheckCertificate, NeverAsksForAPassphrase) {
  const SelfSigned good = *make_self_signed("good");
  const auto locked = sys::run({.argv = {"openssl", "pkcs8", "-topk8", "-passout", "pass:secret"}},
                               good.key_pem, kTimeoutMs, kOutputBytes);
  ASSERT_TRUE(locked.ok() && locked->status.ok());
  EXPECT_EQ(problem_of(good.chain_pem, locked->out), "the private key needs a passphrase");
}

TEST(NameCovers, TakesOneLabelForAStar) {
  EXPECT_TRUE(name_covers("a.test", "a.test"));
  EXPECT_TRUE(name_covers("*.test", "a.test"));
  EXPECT_TRUE(name_covers("*.test", "*.test"));
  EXPECT_FALSE(name_covers("*.test", "b.a.test"));
  EXPECT_FALSE(name_covers("*.test", "test"));
  EXPECT_FALSE(name_covers("*.test", ".test"));
  EXPECT_FALSE(name_covers("a.test", "b.test"));
}

}  // namespace
}  // namespace duet::net
