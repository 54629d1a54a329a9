#include "cluster/api_client.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "cluster/api_server_for_test.h"

namespace duet::cluster {
namespace {

using Request = ApiServerForTest::Request;
using Connection = ApiServerForTest::Connection;

// A client of one server.
struct Client {
  explicit Client(const Access& to, ApiOptions options = {})
      : access(to), api(access, clock, random, stop.get_token(), options) {}
  sys::SystemClock clock;
  sys::SeededRandom random{1};
  std::stop_source stop;
  CurrentAccess access;
  ApiClient api;
};

std::string status_body(int code, const std::string& reason, const std::string& message) {
  return Json{{"kind", "Status"}, {"code", code}, {"reason", reason}, {"message", message}}.dump();
}

// Answers everything with one text.
ApiServerForTest::Answer always(const std::string& text) {
  return [text](const Request&, Connection& connection) { return connection.write(text); };
}

TEST(ApiClient, KeepsItsConnectionAndShowsItsToken) {
  std::string seen;
  ApiServerForTest server([&](const Request& request, Connection& connection) {
    seen = request.head + request.body;
    return connection.write(ApiServerForTest::with_body(200, R"({"kind":"Pod"})"));
  });
  Access access = server.access();
  access.token = "abcdef.0123456789abcdef";
  Client client(access);
  ASSERT_TRUE(client.api.get("/api/v1/pods", {{"fieldSelector", "spec.nodeName=a b"}}).ok());
  EXPECT_NE(seen.find("GET /api/v1/pods?fieldSelector=spec.nodeName%3Da%20b HTTP/1.1\r\n"),
            std::string::npos);
  EXPECT_NE(seen.find("Authorization: Bearer abcdef.0123456789abcdef\r\n"), std::string::npos);
  ASSERT_TRUE(client.api.patch("/api/v1/x", PatchType::kStrategic, {{"a", 1}}).ok());
  EXPECT_NE(seen.find("application/strategic-merge-patch+json"), std::string::npos);
  EXPECT_TRUE(seen.ends_with(R"({"a":1})"));
  EXPECT_EQ(server.connections(), 1);
}

TEST(ApiClient, StatusObjectsBecomeErrorsOfTheirKind) {
  const std::vector<std::tuple<int, const char*, ErrorCode>> cases = {
      {400, "BadRequest", ErrorCode::kInvalid},
      {401, "Unauthorized", ErrorCode::kPermission},
      {403, "Forbidden", ErrorCode::kPermission},
      {404, "NotFound", ErrorCode::kNotFound},
      {409, "Conflict", ErrorCode::kConflict},
      {409, "AlreadyExists", ErrorCode::kAlreadyExists},
      {410, "Expired", ErrorCode::kExhausted},
      {422, "Invalid", ErrorCode::kInvalid},
      {429, "TooManyRequests", ErrorCode::kUnavailable},
      {500, "InternalError", ErrorCode::kUnavailable},
  };
  for (const auto& [code, reason, expected] : cases) {
    ApiServerForTest server(
        always(ApiServerForTest::with_body(code, status_body(code, reason, "because\n of it"))));
    Client client(server.access());
    const auto answer = client.api.get("/api/v1/pods");
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code(), expected) << code << reason;
    EXPECT_NE(answer.error().message().find("because  of it"), std::string::npos);
  }
}

TEST(ApiClient, ComesBackWhenTheServerAsksForIt) {
  std::atomic<int> asked = 0;
  ApiServerForTest server([&](const Request&, Connection& connection) {
    const bool busy = ++asked < 3;
    return connection.write(busy ? ApiServerForTest::with_body(429, "{}", "Retry-After: 1\r\n")
                                 : ApiServerForTest::with_body(200, "{}"));
  });
  Client client(server.access(), {.retry_after_ms = 10});
  EXPECT_TRUE(client.api.get("/api/v1/pods").ok());
  EXPECT_EQ(asked, 3);
}

TEST(ApiClient, GivesUpOnAServerThatIsAlwaysBusy) {
  std::atomic<int> asked = 0;
  ApiServerForTest server([&](const Request&, Connection& connection) {
    ++asked;
    return connection.write(ApiServerForTest::with_body(503, "{}", "Retry-After: 1\r\n"));
  });
  Client client(server.access(), {.attempts = 4, .retry_after_ms = 1});
  const auto answer = client.api.get("/api/v1/pods");
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(asked, 4);
}

TEST(ApiClient, AKeptConnectionThatTheServerClosedIsReplaced) {
  ApiServerForTest server([](const Request&, Connection& connection) {
    connection.write(ApiServerForTest::with_body(200, "{}"));
    return false;
  });
  Client client(server.access());
  EXPECT_TRUE(client.api.get("/api/v1/a").ok());
  EXPECT_TRUE(client.api.get("/api/v1/b").ok());
  EXPECT_EQ(server.connections(), 2);
}

TEST(ApiClient, NoAnswerIsTakenForAnAnswer) {
  const std::vector<std::string> bad = {
      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",  // half
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{",
      "HTTP/1.1 200 OK\nno\n\n",
      "\x16\x03\x01 garbage\r\n\r\n",
      "",
  };
  for (const std::string& text : bad) {
    ApiServerForTest server([&](const Request&, Connection& connection) {
      (void)connection.write(text);
      return false;
    });
    Client client(server.access());
    const auto answer = client.api.get("/api/v1/pods");
    ASSERT_FALSE(answer.ok()) << text;
    EXPECT_TRUE(answer.error().code() == ErrorCode::kCorrupt ||
                answer.error().code() == ErrorCode::kUnavailable)
        << text << answer.error().message();
  }
}

TEST(ApiClient, AServerThatNobodyVouchesForGetsNoRequest) {
  std::atomic<int> asked = 0;
  ApiServerForTest server([&](const Request&, Connection&) {
    ++asked;
    return false;
  });
  Access access = server.access();
  access.endpoint.ca_pem = net::AuthorityForTest("another").pem();
  access.token = "secret";
  Client client(access);
  const auto answer = client.api.get("/api/v1/pods");
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code(), ErrorCode::kPermission);
  EXPECT_NE(answer.error().message().find("not trusted"), std::string::npos);
  EXPECT_EQ(asked, 0);
}

TEST(ApiClient, AServerThatSaysNothingIsGivenUp) {
  ApiServerForTest server([](const Request&, Connection& connection) {
    connection.wait_for_end();
    return false;
  });
  Client client(server.access(), {.timeout_ms = 50});
  const auto answer = client.api.get("/api/v1/pods");
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code(), ErrorCode::kTimeout);
}

TEST(ApiClient, AStopEndsWhatWaits) {
  std::stop_source stop;
  ApiServerForTest server([&](const Request&, Connection& connection) {
    stop.request_stop();  // the client waits for an answer by now, or will
    connection.wait_for_end();
    return false;
  });
  Client client(server.access(), {.timeout_ms = 600'000});
  const std::stop_callback forward(stop.get_token(), [&] { client.stop.request_stop(); });
  EXPECT_FALSE(client.api.get("/api/v1/pods").ok());
}

TEST(ApiClient, AnotherCertificateIsShownFromTheNextRequestOn) {
  ApiServerForTest server(always(ApiServerForTest::with_body(200, "{}")));
  Client client(server.access());
  ASSERT_TRUE(client.api.get("/api/v1/a").ok());
  const auto renewed = net::AuthorityForTest("clients").issue("");
  Access access = server.access();
  access.chain_pem = renewed.chain_pem;
  access.key_pem = renewed.key_pem;
  client.access.set(access);
  ASSERT_TRUE(client.api.get("/api/v1/b").ok());
  EXPECT_EQ(server.connections(), 2);
}

TEST(ApiClient, ReadsAllPagesOfAList) {
  ApiServerForTest server([](const Request& request, Connection& connection) {
    const bool second = request.line.find("continue=more%2B") != std::string::npos;
    const Json page = {
        {"metadata",
         {{"resourceVersion", second ? "8" : "7"}, {"continue", second ? "" : "more+"}}},
        {"items", {{{"metadata", {{"name", second ? "b" : "a"}}}}}}};
    return connection.write(ApiServerForTest::with_body(200, page.dump()));
  });
  Client client(server.access());
  const auto all = client.api.list("/api/v1/pods", {});
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->items.size(), 2U);
  EXPECT_EQ(all->resource_version, "8");
  Client bounded(server.access(), {.list_objects = 1});
  EXPECT_EQ(bounded.api.list("/api/v1/pods", {}).error().code(), ErrorCode::kExhausted);
}

TEST(ApiClient, AListWithoutAnEndIsGivenUp) {
  ApiServerForTest server(
      always(ApiServerForTest::with_body(200, R"({"metadata":{"continue":"more"},"items":[]})")));
  Client client(server.access(), {.list_pages = 3});
  const auto all = client.api.list("/api/v1/pods", {});
  ASSERT_FALSE(all.ok());
  EXPECT_EQ(all.error().code(), ErrorCode::kExhausted);
  EXPECT_NE(all.error().message().find("3 pages"), std::string::npos);
  EXPECT_EQ(server.lines().size(), 3U);
}

}  // namespace
}  // namespace duet::cluster
