#include "cluster/identity.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "cluster/api_server_for_test.h"
#include "cluster/certificate_signing.h"
#include "cluster/kubeconfig.h"
#include "net/certificate.h"
#include "sys/file.h"

namespace duet::cluster {
namespace {

using Request = ApiServerForTest::Request;
using Connection = ApiServerForTest::Connection;

class IdentityTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = *sys::make_temporary_directory(testing::TempDir(), "identity-");
    join_ = {.server = "https://127.0.0.1:1",
             .token_file = folder_ + "/token",
             .ca_file = folder_ + "/ca.crt"};
    write("token", "abcdef.0123456789abcdef\n");
    write("ca.crt", net::make_self_signed("ca")->chain_pem);
  }
  void TearDown() override { (void)sys::remove_tree(folder_); }
  void write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(sys::write_file(folder_ + "/" + name, text).ok());
  }
  // The options to join `server`.
  void join_to(const ApiServerForTest& server) {
    join_.server = server.access().endpoint.url();
    write("ca.crt", server.access().endpoint.ca_pem);
  }
  Status join() {
    CurrentAccess access(*read_bootstrap_access(join_));
    Identity identity({.join = join_,
                       .node_name = "edge",
                       .directory = folder_ + "/cluster",
                       .log = [](const std::string&) {}},
                      access, clock_, random_);
    std::stop_source stop;
    return identity.join(stop.get_token());
  }

  std::string folder_;
  JoinOptions join_;
  sys::SystemClock clock_;
  sys::SystemRandom random_;
};

TEST_F(IdentityTest, TokensAreTakenAsTheyArePrinted) {
  EXPECT_EQ(read_bootstrap_access(join_)->token, "abcdef.0123456789abcdef");
  write("token", "K10" + std::string(64, 'a') + "::abcdef.0123456789abcdef");
  EXPECT_EQ(read_bootstrap_access(join_)->token, "abcdef.0123456789abcdef");
}

TEST_F(IdentityTest, SaysWhichOptionIsWrong) {
  write("token", "K10" + std::string(64, 'a') + "::server:secret");
  EXPECT_NE(read_bootstrap_access(join_).error().message().find("k3s token create"),
            std::string::npos);
  write("token", "");
  EXPECT_NE(read_bootstrap_access(join_).error().message().find("--token-file"), std::string::npos);
  JoinOptions options = join_;
  options.ca_file = folder_ + "/none";
  EXPECT_NE(read_bootstrap_access(options).error().message().find("--ca-file"), std::string::npos);
  options = join_;
  options.server = "10.0.0.1";
  EXPECT_NE(read_bootstrap_access(options).error().message().find("--join"), std::string::npos);
  options = join_;
  options.bootstrap_kubeconfig = folder_ + "/none";
  EXPECT_FALSE(read_bootstrap_access(options).ok());
}

// What a request for a certificate is answered with, when it exists already.
ApiServerForTest::Answer signing(const Json& status) {
  return [status](const Request& request, Connection& connection) {
    if (request.line.starts_with("POST")) {
      return connection.write(ApiServerForTest::with_body(
          409, R"({"kind":"Status","reason":"AlreadyExists","code":409})"));
    }
    const Json object = {{"metadata", {{"resourceVersion", "5"}}}, {"status", status}};
    return connection.write(ApiServerForTest::with_body(200, object.dump()));
  };
}

TEST_F(IdentityTest, ARefusedRequestIsNotAskedForAgain) {
  ApiServerForTest server(signing(
      {{"conditions", {{{"type", "Denied"}, {"status", "True"}, {"message", "not you"}}}}}));
  join_to(server);
  const Status joined = join();
  ASSERT_FALSE(joined.ok());
  EXPECT_EQ(joined.error().code(), ErrorCode::kPermission);
  EXPECT_NE(joined.error().message().find("not you"), std::string::npos);
  EXPECT_FALSE(sys::file_exists(folder_ + "/cluster/client.key.pending"));
}

TEST_F(IdentityTest, ACertificateOfSomebodyElseIsNotTaken) {
  for (const std::string& certificate :
       {net::make_self_signed("system:node:edge")->chain_pem, std::string("no certificate")}) {
    ApiServerForTest server(signing({{"certificate", base64_encode(certificate)}}));
    join_to(server);
    EXPECT_FALSE(join().ok());
    EXPECT_FALSE(sys::file_exists(folder_ + "/cluster/kubeconfig"));
  }
}

TEST_F(IdentityTest, ABrokenOffRequestIsGoneOnWith) {
  std::vector<std::string> names;
  ApiServerForTest server([&](const Request& request, Connection& connection) {
    if (request.line.starts_with("POST")) {
      names.push_back(Json::parse(request.body)["metadata"]["name"]);
    }
    (void)connection.write("HTTP/1.1 500 Bad\r\nContent-Length: 0\r\n\r\n");
    return false;
  });
  join_to(server);
  EXPECT_FALSE(join().ok());
  EXPECT_FALSE(join().ok());
  ASSERT_EQ(names.size(), 2U);
  EXPECT_EQ(names[0], names[1]);
  EXPECT_TRUE(names[0].starts_with("duet-edge-"));
}

TEST_F(IdentityTest, AWatchThatEndsWithoutNewsIsNotBegunAgainAtOnce) {
  ApiServerForTest server([](const Request& request, Connection& connection) {
    if (request.line.find("watch=1") != std::string::npos) {
      return connection.write(ApiServerForTest::watch_head() + ApiServerForTest::last_chunk());
    }
    const std::string waiting = R"({"metadata":{"resourceVersion":"5"}})";
    return connection.write(ApiServerForTest::with_body(200, waiting));
  });
  const CurrentAccess access(server.access());
  std::stop_source stop;
  ApiClient api(access, clock_, random_, stop.get_token());
  const auto chain = have_signed(api, {.name = "duet-edge-1"}, clock_, random_,
                                 std::chrono::milliseconds(400), stop.get_token());
  ASSERT_FALSE(chain.ok());
  EXPECT_EQ(chain.error().code(), ErrorCode::kTimeout);
  EXPECT_LE(server.connections(), 3);  // one for requests, and one for each watch
}

TEST_F(IdentityTest, WhatWasKeptForAnotherClusterOrNameIsNotUsed) {
  const auto made = net::make_self_signed("system:node:edge");
  Access kept = *read_bootstrap_access(join_);
  kept.token.clear();
  kept.chain_pem = made->chain_pem;
  kept.key_pem = made->key_pem;
  ASSERT_TRUE(sys::make_directories(folder_ + "/cluster", 0700).ok());
  write("cluster/kubeconfig", write_kubeconfig(kept, "system:node:edge"));
  const auto missing = [&](const std::string& name, const std::string& server) {
    JoinOptions options = join_;
    options.server = server;
    CurrentAccess access(*read_bootstrap_access(options));
    Identity identity({.join = options,
                       .node_name = name,
                       .directory = folder_ + "/cluster",
                       .log = [](const std::string&) {}},
                      access, clock_, random_);
    identity.load();
    return identity.missing();
  };
  EXPECT_FALSE(missing("edge", "https://127.0.0.1:1"));
  EXPECT_TRUE(missing("other", "https://127.0.0.1:1"));
  EXPECT_TRUE(missing("edge", "https://127.0.0.1:2"));
}

}  // namespace
}  // namespace duet::cluster
