#include "kubelet/serving_certificate.h"

#include <gtest/gtest.h>

#include <condition_variable>

#include "base/base64.h"
#include "cluster/api_server_for_test.h"
#include "cluster/json_field.h"
#include "sys/file.h"

namespace duet::kubelet {
namespace {

using cluster::ApiServerForTest;
using Json = cluster::Json;

// An API server with one request for a certificate, which a test approves or not.
class SignerForTest {
 public:
  enum class Answer { kApproves, kDenies };

  explicit SignerForTest(Answer answer)
      : answer_(answer),
        server_([this](const ApiServerForTest::Request& request,
                       ApiServerForTest::Connection& connection) {
          return connection.write(ApiServerForTest::with_body(200, answer_to(request).dump()));
        }) {}

  // As a node that has joined.
  cluster::Access access() const {
    cluster::Access access = server_.access();
    const auto own = net::make_self_signed("system:node:edge").value();
    access.chain_pem = own.chain_pem;
    access.key_pem = own.key_pem;
    return access;
  }
  Json asked() const {
    const std::lock_guard lock(mutex_);
    return request_;
  }

 private:
  Json answer_to(const ApiServerForTest::Request& request) {
    const std::lock_guard lock(mutex_);
    if (request.line.starts_with("POST")) {
      request_ = Json::parse(request.body);
      return request_;
    }
    if (answer_ == Answer::kDenies) {
      return {{"status",
               {{"conditions",
                 {{{"type", "Denied"}, {"status", "True"}, {"message", "not this one"}}}}}}};
    }
    const std::string pem = base64_decode(request_["spec"]["request"].get<std::string>()).value();
    return {{"status", {{"certificate", base64_encode(authority_.sign(pem))}}}};
  }

  const Answer answer_;
  net::AuthorityForTest authority_{"cluster"};
  mutable std::mutex mutex_;
  Json request_;
  ApiServerForTest server_;
};

class ServingCertificateTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = *sys::make_temporary_directory(testing::TempDir(), "serving-");
  }
  void TearDown() override { (void)sys::remove_tree(folder_); }

  std::unique_ptr<ServingCertificate> start(const cluster::CurrentAccess& access,
                                            const std::string& address = "127.0.0.1") {
    auto made = ServingCertificate::start({.node_name = "edge",
                                           .dns_names = {"edge.test"},
                                           .ip_addresses = {address},
                                           .directory = folder_,
                                           .client_authorities_pem = clients_.pem(),
                                           .log = [this](const std::string& line) { log(line); },
                                           .refused_ms = 1},
                                          access, clock_, random_);
    EXPECT_TRUE(made.ok()) << made.error().message();
    return std::move(*made);
  }
  void log(const std::string& line) {
    const std::lock_guard lock(mutex_);
    log_ += line + "\n";
    logged_.notify_all();
  }
  bool wait_for_log(const std::string& text) {
    std::unique_lock lock(mutex_);
    return logged_.wait_for(lock, std::chrono::seconds(30),
                            [&] { return log_.find(text) != std::string::npos; });
  }

  std::string folder_;
  net::AuthorityForTest clients_{"clients"};
  sys::SystemClock clock_;
  sys::SystemRandom random_;
  std::mutex mutex_;
  std::condition_variable logged_;
  std::string log_;
};

TEST_F(ServingCertificateTest, IsAskedForServedAndKept) {
  SignerForTest signer(SignerForTest::Answer::kApproves);
  const cluster::CurrentAccess access(signer.access());
  {
    const auto certificate = start(access);
    ASSERT_TRUE(wait_for_log("serving with the cluster's certificate")) << log_;
  }
  const Json request = signer.asked();
  EXPECT_EQ(request["spec"]["signerName"], "kubernetes.io/kubelet-serving");
  EXPECT_EQ(request["spec"]["usages"], (Json{"digital signature", "server auth"}));
  const std::string name = request["metadata"]["name"];
  EXPECT_TRUE(name.starts_with("duet-serving-edge-"));
  EXPECT_NE(log_.find("kubectl certificate approve " + name), std::string::npos) << log_;
  EXPECT_FALSE(sys::file_exists(folder_ + "/serving.key.pending"));
  const std::string kept = *sys::read_file(folder_ + "/serving.pem", 1 << 20);
  const auto info = net::check_certificate(kept, kept);
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->common_name, "system:node:edge");
  EXPECT_EQ(info->names, std::vector<std::string>{"edge.test"});
  EXPECT_EQ(info->addresses, std::vector<std::string>{"127.0.0.1"});

  // The next agent needs nobody, unless the node has moved.
  SignerForTest other(SignerForTest::Answer::kApproves);
  const cluster::CurrentAccess other_access(other.access());
  log_.clear();
  start(other_access).reset();
  EXPECT_EQ(log_, "");
  EXPECT_TRUE(other.asked().is_null());
  const auto moved = start(other_access, "127.0.0.2");
  EXPECT_TRUE(wait_for_log("serving with the cluster's certificate")) << log_;
}

TEST_F(ServingCertificateTest, ARefusalIsSaidAndAskedAnewWithAnotherKey) {
  SignerForTest signer(SignerForTest::Answer::kDenies);
  const cluster::CurrentAccess access(signer.access());
  const auto certificate = start(access);
  EXPECT_NE(certificate->tls(), nullptr);
  ASSERT_TRUE(wait_for_log("not this one")) << log_;
  EXPECT_FALSE(sys::file_exists(folder_ + "/serving.pem"));
}

TEST_F(ServingCertificateTest, BeforeTheNodeHasJoinedNobodyIsAsked) {
  SignerForTest signer(SignerForTest::Answer::kApproves);
  cluster::Access access = signer.access();
  access.chain_pem.clear();
  access.key_pem.clear();
  const cluster::CurrentAccess current(access);
  const auto certificate = start(current);
  EXPECT_NE(certificate->tls(), nullptr);
  EXPECT_TRUE(signer.asked().is_null());
}

}  // namespace
}  // namespace duet::kubelet
