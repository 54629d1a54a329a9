#include <atomic>
#include <chrono>

#include "gateway/gateway_fixture_test.h"

// What clients may do: sizes and times.
namespace duet::gateway {
namespace {

using std::chrono::steady_clock;

class ClientTest : public GatewayTest {
 protected:
  // Everything goes to `server`.
  RouteTable table_to(const TestServer& server) const {
    RouteTable table;
    table.routes = {{.name = "all", .rules = {{.backends = {{.backend = "pods"}}}}}};
    table.backends = {{"pods", ProxyBackend{.endpoints = {{"127.0.0.1", server.port()}}}}};
    return table;
  }
  void serve_at_most(const TestServer& server, std::int64_t request_bytes) {
    RouteTable table = table_to(server);
    table.routes[0].policy.request_bytes = request_bytes;
    set_table(table);
  }
};

TEST_F(ClientTest, ABodyThatSaysItIsTooLargeReachesNoBackend) {
  TestServer server(serve_echo);
  serve_at_most(server, 10);
  net::HttpClient http = client();
  const Answer large = ask(http, {.method = "POST", .target = "/", .body = "12345678901"});
  EXPECT_EQ(large.status, 413);
  EXPECT_EQ(large.body, "413 Content Too Large: RequestTooLarge\n");
  EXPECT_EQ(server.connections(), 0);
  const std::string line = log_lines();
  EXPECT_NE(line.find("\"status\":413"), std::string::npos) << line;
  EXPECT_NE(line.find("\"reason\":\"RequestTooLarge\",\"detail\":\"more body than the route's 10"),
            std::string::npos)
      << line;
  // The connection goes on, and what fits is taken.
  EXPECT_EQ(ask(http, {.method = "POST", .target = "/", .body = "1234567890"}).body,
            "POST /\n1234567890");
}

TEST_F(ClientTest, ABodyWithoutALengthIsCutWhereItGetsTooLarge) {
  TestServer server(serve_echo);
  serve_at_most(server, 10);
  const std::string head =
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_TRUE(raw(head + "8\r\n12345678\r\n2\r\n90\r\n0\r\n\r\n").ends_with("\n1234567890"));
  EXPECT_TRUE(raw(head + "8\r\n12345678\r\n3\r\n901\r\n0\r\n\r\n").starts_with("HTTP/1.1 413 "));
}

TEST_F(ClientTest, ABodyIsNotAskedForWhenItWouldBeTooLarge) {
  TestServer server(serve_echo);
  serve_at_most(server, 10);
  const std::string answer =
      raw("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
}

TEST_F(ClientTest, WithoutABoundEveryBodyPasses) {
  TestServer server(serve_echo);
  serve_at_most(server, 0);
  const std::string large(1 << 20, 'x');
  EXPECT_EQ(ask({.method = "POST", .target = "/", .body = large}).body, "POST /\n" + large);
}

TEST_F(ClientTest, HeadsAndTargetsHaveTheirOwnAnswers) {
  TestServer server(serve_echo);
  serve_at_most(server, 10);
  EXPECT_EQ(ask({.target = "/" + std::string(8 << 10, 'x')}).status, 414);
  EXPECT_EQ(ask({.target = "/", .fields = {{"x", std::string(33 << 10, 'x')}}}).status, 431);
}

TEST_F(ClientTest, OptionsOfAllAreTheGatewaysOwn) {
  TestServer server(serve_echo);
  set_table(table_to(server));
  const Answer answer = ask({.method = "OPTIONS", .target = "*"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(net::find_value(answer.fields, "content-length"), "0");
  EXPECT_EQ(net::find_value(answer.fields, "content-type"), "");
  set_table({});
  EXPECT_EQ(ask({.method = "OPTIONS", .target = "*"}).status, 200);
}

TEST_F(ClientTest, AnAddressHasItsRate) {
  TestServer server(serve_echo);
  RouteTable table = table_to(server);
  table.routes[0].policy.rate = {.count = 1, .period_ms = 3'600'000, .burst = 2};
  set_table(table);
  net::HttpClient http = client();
  EXPECT_EQ(ask(http, {}).status, 200);
  EXPECT_EQ(ask(http, {}).status, 200);
  const Answer refused = ask(http, {});
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.body, "429 Too Many Requests: RateLimited\n");
  const int wait_s = std::stoi(std::string(net::find_value(refused.fields, "retry-after")));
  EXPECT_GT(wait_s, 3'000);
  EXPECT_LE(wait_s, 3'600);
  EXPECT_NE(log_lines().find("\"reason\":\"RateLimited\""), std::string::npos);
  EXPECT_NE(control_->metrics()->find("reason=\"RateLimited\""), std::string::npos);
  // Another connection, and the same table once more, change nothing.
  set_table(table);
  EXPECT_EQ(ask({}).status, 429);
}

TEST_F(ClientTest, TheRateIsThatOfTheClientNotOfItsProxy) {
  TestServer server(serve_echo);
  RouteTable table = table_to(server);
  table.forwarding.trusted_proxies = {"127.0.0.1"};
  table.routes[0].policy.rate = {.count = 1, .period_ms = 3'600'000, .burst = 1};
  set_table(table);
  const auto status = [this](const std::string& client) {
    return ask({.fields = {{"x-forwarded-for", client}}}).status;
  };
  EXPECT_EQ(status("192.0.2.1"), 200);
  EXPECT_EQ(status("192.0.2.2"), 200);
  EXPECT_EQ(status("192.0.2.1"), 429);
}

TEST_F(ClientTest, ARouteHasItsTime) {
  std::atomic<bool> answer = false;
  TestServer server([&answer](net::ServerConnection& connection) {
    (void)connection.next();
    if (answer) {
      (void)net::send_all(connection.fd(), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n1");
    }
    (void)connection.next();  // the rest never comes
  });
  RouteTable table = table_to(server);
  table.routes[0].rules[0].request_timeout_ms = 50;
  set_table(table);
  EXPECT_EQ(ask({}).body, "504 Gateway Timeout: RequestTimeout\n");
  answer = true;
  const std::string cut = raw("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(cut.ends_with("\r\n\r\n1")) << cut;
  table.routes[0].rules[0] = {.backends = {{.backend = "pods"}}, .backend_request_timeout_ms = 50};
  set_table(table);
  answer = false;
  EXPECT_EQ(ask({}).body, "504 Gateway Timeout: UpstreamTimeout\n");
}

class SlowClientTest : public ClientTest {
 protected:
  SlowClientTest() {
    clients_.head_timeout_ms = clients_.stall_timeout_ms = clients_.linger_limit_ms = 200;
    clients_.body_bytes_per_second = 100'000;
  }
};

TEST_F(SlowClientTest, AHeadMustBeCompleteInTime) {
  serve_all({"static", StaticBackend{.status = 200, .body = "ok"}});
  EXPECT_EQ(raw(""), "");  // closed without a word
  const std::string answer = raw_dribble("GET / HTTP/1.1\r\nHost: a\r\nX: ");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
  const std::string line = log_lines();
  EXPECT_NE(line.find("\"reason\":\"HeadTimeout\""), std::string::npos) << line;
}

TEST_F(SlowClientTest, ABodyMustKeepItsPace) {
  TestServer server(serve_echo);
  set_table(table_to(server));
  const std::string answer =
      raw_dribble("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
  const std::string line = log_lines();
  EXPECT_NE(line.find("\"reason\":\"BodyTimeout\""), std::string::npos) << line;
}

TEST_F(SlowClientTest, ABodyAfterTheAnswerIsReadForATimeOnly) {
  TestServer server(serve_echo);
  serve_at_most(server, 10);
  auto socket = net::connect_tcp(*net::make_address("127.0.0.1", port_), kTestTimeoutMs);
  ASSERT_TRUE(socket.ok());
  const std::string piece(1024, 'x');
  const auto until = steady_clock::now() + std::chrono::milliseconds(kTestTimeoutMs);
  Status sent = net::send_all(socket->get(),
                              "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99000000000\r\n\r\n");
  while (sent.ok() && steady_clock::now() < until) {
    sent = net::send_all(socket->get(), piece);
  }
  EXPECT_FALSE(sent.ok());
}

}  // namespace
}  // namespace duet::gateway
