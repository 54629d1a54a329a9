#include "cluster/kubeconfig.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "net/certificate.h"
#include "sys/file.h"

namespace duet::cluster {
namespace {

class KubeconfigTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = *sys::make_temporary_directory(testing::TempDir(), "kubeconfig-");
    const auto made = net::make_self_signed("system:node:edge");
    chain_ = made->chain_pem;
    key_ = made->key_pem;
  }
  void TearDown() override { (void)sys::remove_tree(folder_); }

  Result<Access> read(const std::string& cluster, const std::string& user) {
    write("config", R"(apiVersion: v1
kind: Config
current-context: c
contexts:
- name: other
  context: {cluster: none, user: none}
- name: c
  context: {cluster: k, user: u}
clusters:
- name: k
  cluster: {server: "https://10.0.0.1:6443", )" +
                        cluster +
                        R"(}
users:
- name: u
  user: {)" + user + "}\n");
    return read_kubeconfig(folder_ + "/config");
  }
  void write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(sys::write_file(folder_ + "/" + name, text).ok());
  }
  std::string ca_data() const { return "certificate-authority-data: " + base64_encode(chain_); }

  std::string folder_;
  std::string chain_;
  std::string key_;
};

TEST_F(KubeconfigTest, TakesDataInTheFile) {
  const auto access = read(ca_data() + ", tls-server-name: api.example",
                           "client-certificate-data: " + base64_encode(chain_) +
                               ", client-key-data: " + base64_encode(key_));
  ASSERT_TRUE(access.ok()) << access.error().message();
  EXPECT_EQ(access->endpoint.host, "10.0.0.1");
  EXPECT_EQ(access->endpoint.server_name, "api.example");
  EXPECT_EQ(access->endpoint.ca_pem, chain_);
  EXPECT_EQ(access->chain_pem, chain_);
  EXPECT_EQ(access->key_pem, key_);
}

TEST_F(KubeconfigTest, TakesFilesBesideIt) {
  write("ca.crt", chain_);
  write("token", "abcdef.0123456789abcdef\n");
  const auto access = read("certificate-authority: ca.crt", "tokenFile: token");
  ASSERT_TRUE(access.ok()) << access.error().message();
  EXPECT_EQ(access->endpoint.ca_pem, chain_);
  EXPECT_EQ(access->token, "abcdef.0123456789abcdef");
  EXPECT_EQ(access->endpoint.server_name, "10.0.0.1");
}

TEST_F(KubeconfigTest, SaysWhereWhatIsWrong) {
  struct Case {
    std::string cluster, user, part;
    ErrorCode code;
  };
  const Case cases[] = {
      {"a: b", "token: x", "certificate-authority-data", ErrorCode::kInvalid},
      {"certificate-authority-data: '%'", "token: x", "config:11", ErrorCode::kInvalid},
      {"certificate-authority: missing.crt", "token: x", "missing.crt", ErrorCode::kNotFound},
      {"insecure-skip-tls-verify: true", "token: x", "insecure-skip-tls-verify",
       ErrorCode::kUnsupported},
      {ca_data(), "exec: {command: aws}", "exec", ErrorCode::kUnsupported},
      {ca_data(), "username: root", "username", ErrorCode::kUnsupported},
      {ca_data(), "client-certificate-data: " + base64_encode(chain_), "belong together",
       ErrorCode::kInvalid},
  };
  for (const Case& one : cases) {
    const auto access = read(one.cluster, one.user);
    ASSERT_FALSE(access.ok()) << one.part;
    EXPECT_EQ(access.error().code(), one.code) << access.error().message();
    EXPECT_NE(access.error().message().find(one.part), std::string::npos)
        << access.error().message();
  }
}

TEST_F(KubeconfigTest, IsNotMisledByWhatIsNoKubeconfig) {
  for (const char* text : {"", "[]", "a: b", "current-context: c", "current-context: [1]",
                           "current-context: c\ncontexts: 7", "current-context: c\ncontexts: [1]",
                           "current-context: c\ncontexts: [{name: c, context: 5}]", "a: {"}) {
    write("config", text);
    EXPECT_FALSE(read_kubeconfig(folder_ + "/config").ok()) << text;
  }
}

TEST_F(KubeconfigTest, ReadsWhatItWrote) {
  Access access;
  access.endpoint = *parse_endpoint("https://host.example:6443/prefix");
  access.endpoint.server_name = "api.example";
  access.endpoint.ca_pem = chain_;
  access.chain_pem = chain_;
  access.key_pem = key_;
  write("config", write_kubeconfig(access, "system:node:edge"));
  const auto again = read_kubeconfig(folder_ + "/config");
  ASSERT_TRUE(again.ok()) << again.error().message();
  EXPECT_EQ(again->endpoint, access.endpoint);
  EXPECT_EQ(again->chain_pem, chain_);
  EXPECT_EQ(again->key_pem, key_);
}

}  // namespace
}  // namespace duet::cluster
