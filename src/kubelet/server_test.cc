#include "kubelet/server.h"

#include <gtest/gtest.h>

#include "kubelet/kubelet_fixture.h"

namespace duet::kubelet {
namespace {

using Json = cluster::Json;

TEST_F(KubeletTest, WhoShowsNothingGoodIsUnauthorized) {
  EXPECT_EQ(send("GET", "/healthz", std::nullopt).status, 401);
  const net::AuthorityForTest others("others");
  EXPECT_EQ(send("GET", "/healthz", others.issue({.common_name = "admin"}, "")).status, 401);
  EXPECT_EQ(send("GET", "/healthz", std::nullopt, "Authorization: Bearer bad\r\n").status, 401);
  EXPECT_EQ(send("GET", "/healthz", std::nullopt, "Authorization: Basic Z29vZA==\r\n").status, 401);
  EXPECT_EQ(reviews_.asked("subjectaccessreviews"), 0);
}

TEST_F(KubeletTest, ACertificateIsReviewedOnce) {
  const auto certificate = admin();
  EXPECT_EQ(send("GET", "/healthz", certificate).body, "ok");
  EXPECT_EQ(send("GET", "/healthz", certificate).status, 200);
  EXPECT_EQ(reviews_.asked("subjectaccessreviews"), 1);
  EXPECT_EQ(reviews_.asked("tokenreviews"), 0);
  const Json spec = Json::parse(reviews_.last_review())["spec"];
  EXPECT_EQ(spec["user"], "admin");
  EXPECT_EQ(spec["groups"], (Json{"kubelet-admins", "system:authenticated"}));
  EXPECT_EQ(spec["resourceAttributes"], (Json{{"verb", "get"},
                                              {"version", "v1"},
                                              {"resource", "nodes"},
                                              {"subresource", "healthz"},
                                              {"name", "edge"}}));
}

TEST_F(KubeletTest, ATokenIsReviewedOnce) {
  const std::string field = "Authorization: Bearer good\r\n";
  EXPECT_EQ(send("GET", "/healthz", std::nullopt, field).status, 200);
  EXPECT_EQ(send("GET", "/healthz", std::nullopt, field).status, 200);
  EXPECT_EQ(reviews_.asked("tokenreviews"), 1);
  EXPECT_EQ(Json::parse(reviews_.last_review())["spec"]["user"], "prometheus");
}

TEST_F(KubeletTest, WhoMayNotIsForbidden) {
  reviews_.allows = false;
  const Answer answer = get("/pods");
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.body,
            "Forbidden (user=admin, verb=get, resource=nodes, subresource(s)=[pods, proxy])");
}

TEST_F(KubeletTest, AServerThatDoesNotAnswerLetsNobodyIn) {
  reviews_.fails = true;
  EXPECT_EQ(get("/healthz").status, 500);
  EXPECT_EQ(send("GET", "/healthz", std::nullopt, "Authorization: Bearer good\r\n").status, 401);
  // That is no answer to keep.
  reviews_.fails = false;
  EXPECT_EQ(send("GET", "/healthz", std::nullopt, "Authorization: Bearer good\r\n").status, 200);
}

TEST_F(KubeletTest, ListsPodsAsTheClusterCallsThem) {
  make_pod("web");
  make_pod("local", false);
  const Json list = Json::parse(get("/pods").body);
  EXPECT_EQ(list["kind"], "PodList");
  ASSERT_EQ(list["items"].size(), 2U);
  EXPECT_EQ(list["items"][0]["metadata"]["name"], "local-edge");
  EXPECT_EQ(list["items"][1]["metadata"]["name"], "web");
}

TEST_F(KubeletTest, PodsOfTheMachinesOtherNodeAreNotThere) {
  make_pod("web");
  make_pod("theirs", true, "edge-wasm");
  const Json list = Json::parse(get("/pods").body);
  ASSERT_EQ(list["items"].size(), 1U);
  EXPECT_EQ(list["items"][0]["metadata"]["name"], "web");
  EXPECT_EQ(get("/containerLogs/default/theirs/main").status, 404);
}

TEST_F(KubeletTest, SendsLogs) {
  make_pod("web");
  make_pod("local", false);
  EXPECT_EQ(get("/containerLogs/default/web/main").status, 400);  // it waits to start
  ASSERT_TRUE(sys::write_file(folder_ + "/main/1.log",
                              "2026-01-31T12:00:00Z stdout F one\n"
                              "2026-01-31T12:00:01Z stdout F two\n")
                  .ok());
  EXPECT_NE(get("/containerLogs/default/web/main").body.find("one\ntwo\n"), std::string::npos);
  const std::string last = get("/containerLogs/default/web/main?tailLines=1").body;
  EXPECT_EQ(last.find("one"), std::string::npos);
  EXPECT_NE(last.find("two"), std::string::npos);
  // The cluster knows the site's own pods by their mirrors' names alone.
  EXPECT_EQ(get("/containerLogs/default/local-edge/main").status, 200);
  for (const char* none : {"local", "web-edge", "-edge", "local-other"}) {
    EXPECT_EQ(get("/containerLogs/default/" + std::string(none) + "/main").status, 404) << none;
  }
  EXPECT_EQ(get("/containerLogs/default/none/main").status, 404);
  const Answer wrong = get("/containerLogs/default/web/nope");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(wrong.body, "container nope is not valid for pod web");
}

TEST_F(KubeletTest, WhatIsNotThereIs404AndWhatIsNotAllowed405) {
  for (const char* target :
       {"/", "/nothing", "/containerLogs/default/web", "/containerLogs/a/b/c/d"}) {
    EXPECT_EQ(get(target).status, 404) << target;
  }
  EXPECT_EQ(send("DELETE", "/pods", admin()).status, 405);
  EXPECT_EQ(send("POST", "/containerLogs/default/web/main", admin()).status, 405);
}

TEST_F(KubeletTest, NonsenseNeverCrashesIt) {
  for (const std::string text : {"GET\r\n\r\n", "GET /pods HTTP/9\r\n\r\n"}) {
    net::TlsClientForTest client(port_, admin());
    client.write(text);
    const int status = std::stoi(client.read_all().substr(9));
    EXPECT_TRUE(status == 400 || status == 505) << text;
  }
  const auto plain = net::connect_tcp(*net::make_address("127.0.0.1", port_), 30'000);
  ASSERT_TRUE(plain.ok());
  ASSERT_TRUE(sys::write_all(plain->get(), "GET /pods HTTP/1.1\r\nHost: x\r\n\r\n").ok());
  (void)sys::read_all(plain->get(), 1 << 10);
  EXPECT_EQ(get("/healthz").status, 200);
}

TEST_F(KubeletTest, UntilItIsApprovedItsCertificateVouchesForNobody) {
  net::TlsClientForTest client(port_);
  EXPECT_EQ(client.certificate_name(), "system:node:edge");
}

TEST(Listen, SaysWhoElseMayListen) {
  auto first = listen("127.0.0.1:0");
  ASSERT_TRUE(first.ok());
  EXPECT_GT(first->port, 0);
  EXPECT_EQ(listen("127.0.0.1:" + std::to_string(first->port)).error().code(),
            ErrorCode::kAlreadyExists);
  EXPECT_EQ(listen("nowhere").error().code(), ErrorCode::kInvalid);
}

}  // namespace
}  // namespace duet::kubelet
