#include "net/http_client.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "net/http_server.h"
#include "net/socket.h"
#include "sys/file.h"

namespace duet::net {
namespace {

constexpr std::int64_t kTimeoutMs = 10'000;

// Serves one connection on a Unix socket: /echo answers with the body, /pieces with two chunks, /up
// upgrades.
void serve(int listener) {
  ServerConnection connection(sys::Fd(accept(listener, nullptr, nullptr)), {}, kTimeoutMs);
  for (;;) {
    auto next = connection.next();
    if (!next.ok() || !next->has_value()) {
      return;
    }
    const ServerConnection::Request& request = **next;
    if (request.path == "/echo") {
      auto body = connection.read_whole_body(1 << 20);
      ASSERT_TRUE(body.ok()) << body.error().message();
      ASSERT_TRUE(connection.respond(200, {{"X-Query", request.query}}, *body).ok());
    } else if (request.path == "/pieces") {
      ASSERT_TRUE(connection.begin(200, {}).ok());
      ASSERT_TRUE(connection.write("one").ok());
      ASSERT_TRUE(connection.write("two").ok());
      ASSERT_TRUE(connection.end().ok());
    } else if (request.path == "/up") {
      ASSERT_TRUE(connection.switch_protocols({{"Upgrade", "raw"}}).ok());
      ASSERT_TRUE(send_all(connection.fd(), "hello").ok());
      return;
    } else {
      ASSERT_TRUE(connection.respond(404, {}, "no").ok());
    }
  }
}

class ClientServer : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = *sys::make_temporary_directory("/tmp", "duet-net-test-");
    listener_ = std::move(*listen_unix(directory_ + "/socket", 0600));
    server_ = std::thread([this] { serve(listener_.get()); });
  }
  void TearDown() override {
    server_.join();
    ASSERT_TRUE(sys::remove_tree(directory_).ok());
  }
  HttpClient client() {
    return std::move(*HttpClient::connect_unix(directory_ + "/socket", kTimeoutMs));
  }

  std::string directory_;
  sys::Fd listener_;
  std::thread server_;
};

TEST_F(ClientServer, ExchangesSeveralRequestsOnOneConnection) {
  HttpClient http = client();
  for (const std::string& body : {std::string("hello"), std::string(300'000, 'x'), std::string()}) {
    auto response = http.send({.method = "POST", .target = "/echo?a=b", .body = body});
    ASSERT_TRUE(response.ok()) << response.error().message();
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(find_value(response->fields, "x-query"), "a=b");
    EXPECT_EQ(*http.read_whole_body(1 << 20), body);
  }
  auto missing = http.send({.target = "/nothing"});
  EXPECT_EQ(missing->status, 404);
  EXPECT_EQ(*http.read_whole_body(100), "no");
  ASSERT_TRUE(http.send({.target = "/pieces"}).ok());
  EXPECT_EQ(*http.read_body(), "one");
  EXPECT_EQ(*http.read_body(), "two");
  EXPECT_EQ(*http.read_body(), "");
}

TEST_F(ClientServer, SkipsABodyNobodyRead) {
  HttpClient http = client();
  ASSERT_EQ(http.send({.method = "PUT", .target = "/x", .body = std::string(100'000, 'x')})->status,
            404);
  EXPECT_EQ(*http.read_whole_body(100), "no");
  EXPECT_EQ(http.send({.target = "/pieces"})->status, 200);
  EXPECT_EQ(*http.read_whole_body(100), "onetwo");
}

TEST_F(ClientServer, Upgrades) {
  HttpClient http = client();
  auto response =
      http.send({.target = "/up", .fields = {{"Connection", "upgrade"}, {"Upgrade", "raw"}}});
  ASSERT_EQ(response->status, 101);
  std::string got = http.take_buffered();
  got += *sys::read_all(http.fd(), 100);
  EXPECT_EQ(got, "hello");
}

TEST_F(ClientServer, RefusesMalformedRequests) {
  auto socket = connect_unix(directory_ + "/socket", kTimeoutMs);
  ASSERT_TRUE(send_all(socket->get(), "GET / HTTP/1.1\nHost: a\n\n").ok());
  EXPECT_TRUE(sys::read_all(socket->get(), 1000)->starts_with("HTTP/1.1 400 Bad Request\r\n"));
}

TEST(HttpClientErrors, SaysThatNobodyListens) {
  auto client = HttpClient::connect_unix("/tmp/duet-there-is-no-such-socket", kTimeoutMs);
  ASSERT_FALSE(client.ok());
  EXPECT_EQ(client.error().code(), ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace duet::net
