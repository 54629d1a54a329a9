#include <sys/socket.h>

#include <atomic>
#include <barrier>

#include "gateway/gateway_fixture_test.h"
#include "sys/file.h"

namespace duet::gateway {
namespace {

using testing::Test;

BackendConfig proxy_to(int port) {
  return {"pods", ProxyBackend{.endpoints = {{"127.0.0.1", port}}}};
}

std::string_view got(const Answer& answer, const std::string& name) {
  return net::find_value(answer.fields, "x-got-" + name);
}

TEST_F(GatewayTest, AnswersItselfWhereNothingElseDoes) {
  set_table({});
  EXPECT_EQ(ask({.target = "/"}).body, "404 Not Found: NoRoute\n");
  RouteTable table;
  const auto path = [](const std::string& prefix) {
    return std::vector<Match>{{.path = {PathMatch::Type::kPrefix, prefix}}};
  };
  table.routes = {
      {.name = "r",
       .rules = {{.matches = path("/static"), .backends = {{.backend = "static"}}},
                 {.matches = path("/missing"), .backends = {{.backend = "missing"}}},
                 {.matches = path("/gone"), .backends = {{.backend = "gone"}}},
                 {.matches = path("/empty"), .backends = {{.backend = "empty"}}},
                 {.matches = path("/moved"),
                  .filters = {.redirect = Redirect{.hostname = "new.test", .status = 301}}}}}};
  table.backends = {
      {"static", StaticBackend{.status = 200, .content_type = "text/html", .body = "<p>"}},
      {"gone", StaticBackend{.status = 503, .reason = "ServiceNotFound"}},
      {"empty", ProxyBackend{}}};
  set_table(table);
  const Answer fixed = ask({.target = "/static"});
  EXPECT_EQ(fixed.status, 200);
  EXPECT_EQ(fixed.body, "<p>");
  EXPECT_EQ(net::find_value(fixed.fields, "content-type"), "text/html");
  EXPECT_FALSE(net::find_value(fixed.fields, "date").empty());
  EXPECT_EQ(ask({.method = "HEAD", .target = "/static"}).body, "");
  EXPECT_EQ(ask({.target = "/missing"}).body, "500 Internal Server Error: BackendNotFound\n");
  EXPECT_EQ(ask({.target = "/gone"}).body, "503 Service Unavailable: ServiceNotFound\n");
  EXPECT_EQ(ask({.target = "/empty"}).body, "503 Service Unavailable: NoEndpoints\n");
  EXPECT_EQ(ask({.target = "/other"}).body, "404 Not Found: NoRoute\n");
  const Answer moved = ask({.target = "/moved?x"});
  EXPECT_EQ(moved.status, 301);
  EXPECT_TRUE(net::find_value(moved.fields, "location").starts_with("http://new.test"));
}

TEST_F(GatewayTest, ProxiesRequestsOnPooledConnections) {
  TestServer server(serve_echo);
  serve_all(proxy_to(server.port()));
  net::HttpClient http = client();
  for (int i = 0; i < 3; ++i) {
    const Answer answer = ask(http, {.method = "POST", .target = "/a/b?c=d", .body = "hello"});
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "POST /a/b?c=d\nhello");
    EXPECT_EQ(got(answer, "x-forwarded-for"), "127.0.0.1");
    EXPECT_EQ(got(answer, "x-forwarded-proto"), "http");
    EXPECT_EQ(got(answer, "host"), "127.0.0.1:" + std::to_string(port_));
    EXPECT_EQ(got(answer, "via"), "1.1 duet");
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(GatewayTest, StreamsLargeBodiesBothWays) {
  TestServer server(serve_echo);
  serve_all(proxy_to(server.port()));
  const std::string large(5 << 20, 'x');
  EXPECT_EQ(ask({.method = "PUT", .target = "/", .body = large}).body, "PUT /\n" + large);
  const std::string chunked =
      "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
      "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nX-T: 1\r\n\r\n";
  EXPECT_TRUE(raw(chunked).ends_with("\r\n\r\nPOST /c\nabcdefg"));
}

TEST_F(GatewayTest, AnswersPipelinedRequestsInOrder) {
  TestServer server(serve_echo);
  serve_all(proxy_to(server.port()));
  std::string requests;
  for (int i = 0; i < 100; ++i) {
    requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n" +
                (i == 99 ? "Connection: close\r\n" : "") + "\r\n";
  }
  const std::string answers = raw(requests);
  std::size_t at = 0;
  for (int i = 0; i < 100; ++i) {
    at = answers.find("GET /" + std::to_string(i) + "\n", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

TEST_F(GatewayTest, RefusesBadRequestsStrictly) {
  serve_all({"static", StaticBackend{.status = 200, .body = "ok"}});
  const struct {
    const char* text;
    const char* start;
  } cases[] = {
      {"GET / HTTP/1.1\nHost: a\n\n", "HTTP/1.1 400 "},
      {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       "HTTP/1.1 400 "},
      {"GET / HTTP/3.0\r\n\r\n", "HTTP/1.1 505 "},
      {"\x16\x03\x01", "HTTP/1.1 400 "},
  };
  for (const auto& c : cases) {
    const std::string answer = raw(c.text);
    EXPECT_TRUE(answer.starts_with(c.start)) << c.text << answer;
    EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  }
}

TEST_F(GatewayTest, NeverPassesOnABodyThatIsNotWhatItSays) {
  TestServer server(serve_echo);
  serve_all(proxy_to(server.port()));
  const std::string bad =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n";
  EXPECT_TRUE(raw(bad).starts_with("HTTP/1.1 400 "));
}

TEST_F(GatewayTest, SaysContinueBeforeABody) {
  TestServer server(serve_echo);
  serve_all(proxy_to(server.port()));
  auto socket = net::connect_tcp(*net::make_address("127.0.0.1", port_), kTestTimeoutMs);
  ASSERT_TRUE(
      net::send_all(socket->get(),
                    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n"
                    "Connection: close\r\n\r\n")
          .ok());
  char text[26] = {};
  ASSERT_EQ(recv(socket->get(), text, 25, MSG_WAITALL), 25);
  EXPECT_STREQ(text, "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(net::send_all(socket->get(), "hi").ok());
  EXPECT_TRUE(sys::read_all(socket->get(), 10'000)->ends_with("POST /\nhi"));
}

TEST_F(GatewayTest, AppliesFilters) {
  TestServer server(serve_echo);
  RouteTable table;
  Rule rule;
  rule.matches = {{.path = {PathMatch::Type::kPrefix, "/api"}}};
  rule.filters.request_headers = {.set = {{"X-Set", "1"}}, .remove = {"X-Gone"}};
  rule.filters.response_headers = {.add = {{"X-Added", "2"}}, .remove = {"x-got-via"}};
  rule.filters.rewrite = UrlRewrite{
      .hostname = "inner", .path = PathModifier{PathModifier::Type::kReplacePrefixMatch, "/v2"}};
  rule.backends = {{.backend = "pods"}};
  table.routes = {{.name = "r", .rules = {rule}}};
  table.backends = {proxy_to(server.port())};
  set_table(table);
  const Answer answer = ask({.target = "/api/x?y", .fields = {{"X-Gone", "g"}, {"X-Set", "0"}}});
  EXPECT_EQ(answer.body, "GET /v2/x?y\n");
  EXPECT_EQ(got(answer, "host"), "inner");
  EXPECT_EQ(got(answer, "x-set"), "1");
  EXPECT_EQ(got(answer, "x-gone"), "");
  EXPECT_EQ(got(answer, "via"), "");
  EXPECT_EQ(net::find_value(answer.fields, "x-added"), "2");
}

TEST_F(GatewayTest, SharesRequestsByWeight) {
  RouteTable table;
  table.routes = {{.name = "r",
                   .rules = {{.backends = {{.backend = "a", .weight = 3},
                                           {.backend = "b", .weight = 1},
                                           {.backend = "never", .weight = 0}}}}}};
  table.backends = {{"a", StaticBackend{.status = 200, .body = "a"}},
                    {"b", StaticBackend{.status = 200, .body = "b"}}};
  set_table(table);
  net::HttpClient http = client();
  int a = 0;
  for (int i = 0; i < 1000; ++i) {
    a += ask(http, {}).body == "a" ? 1 : 0;
  }
  EXPECT_GT(a, 650);
  EXPECT_LT(a, 850);
}

TEST_F(GatewayTest, PassesUpgradesThrough) {
  TestServer server([](net::ServerConnection& connection) {
    auto request = connection.next();
    ASSERT_TRUE(request.ok() && request->has_value());
    EXPECT_TRUE((**request).upgrade);
    ASSERT_TRUE(connection.switch_protocols({{"Upgrade", "echo"}}).ok());
    std::string first = connection.take_buffered();
    char text[100];
    for (;;) {
      if (!first.empty() && !net::send_all(connection.fd(), first).ok()) {
        return;
      }
      const ssize_t size = recv(connection.fd(), text, sizeof(text), 0);
      if (size <= 0) {
        return;
      }
      first.assign(text, static_cast<std::size_t>(size));
    }
  });
  serve_all(proxy_to(server.port()));
  net::HttpClient http = client();
  auto response =
      http.send({.fields = {{"Connection", "keep-alive, Upgrade"}, {"Upgrade", "echo"}}});
  ASSERT_TRUE(response.ok()) << response.error().message();
  ASSERT_EQ(response->status, 101);
  EXPECT_EQ(net::find_value(response->fields, "upgrade"), "echo");
  ASSERT_TRUE(net::send_all(http.fd(), "ping").ok());
  char text[4] = {};
  ASSERT_EQ(recv(http.fd(), text, 4, MSG_WAITALL), 4);
  EXPECT_EQ(std::string(text, 4), "ping");
}

TEST_F(GatewayTest, TriesAgainWhenAPooledConnectionWasClosed) {
  std::atomic<int> served = 0;
  TestServer server([&served](net::ServerConnection& connection) {
    auto request =
        connection.next();  // one request a connection, then it closes without having said so
    if (request.ok() && request->has_value()) {
      ++served;
      static_cast<void>(connection.respond(200, {}, "once"));
    }
  });
  serve_all(proxy_to(server.port()));
  net::HttpClient http = client();
  for (int i = 0; i < 50; ++i) {
    const Answer answer = ask(http, {});
    EXPECT_EQ(answer.status, 200) << answer.body;
  }
  EXPECT_EQ(served, 50);
}

TEST_F(GatewayTest, AnswersForServersThatFail) {
  int closed_port = 0;
  {
    TestServer gone(serve_echo);
    closed_port = gone.port();
  }
  serve_all(proxy_to(closed_port));
  EXPECT_EQ(ask({}).body, "502 Bad Gateway: ConnectFailed\n");
  TestServer rude([](net::ServerConnection& connection) {
    static_cast<void>(connection.next());
    static_cast<void>(net::send_all(connection.fd(), "HTTP/1.1 200 OK\nno\n\n"));
  });
  serve_all({"rude", ProxyBackend{.endpoints = {{"127.0.0.1", rude.port()}}}});
  EXPECT_EQ(ask({}).body, "502 Bad Gateway: BadAnswer\n");
  TestServer short_body([](net::ServerConnection& connection) {
    static_cast<void>(connection.next());
    static_cast<void>(
        net::send_all(connection.fd(), "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"));
  });
  serve_all({"short", ProxyBackend{.endpoints = {{"127.0.0.1", short_body.port()}}}});
  EXPECT_TRUE(ask({}).body.starts_with("broken: "));
  std::promise<void> over;
  TestServer silent([ended = over.get_future().share()](net::ServerConnection& connection) {
    static_cast<void>(connection.next());
    ended.wait();
  });
  serve_all(
      {"silent", ProxyBackend{.endpoints = {{"127.0.0.1", silent.port()}}, .idle_timeout_ms = 50}});
  EXPECT_EQ(ask({}).body, "504 Gateway Timeout: UpstreamTimeout\n");
  over.set_value();
}

TEST_F(GatewayTest, TriesTheNextEndpointWhenOneIsNotThere) {
  int closed_port = 0;
  {
    TestServer gone(serve_echo);
    closed_port = gone.port();
  }
  TestServer server(serve_echo);
  serve_all({"pods", ProxyBackend{
                         .endpoints = {{"127.0.0.1", closed_port}, {"127.0.0.1", server.port()}}}});
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(ask({.method = "POST", .body = "b"}).body, "POST /\nb");
  }
}

TEST_F(GatewayTest, LogsEveryRequest) {
  serve_all({"static", StaticBackend{.status = 200, .body = "ok"}});
  EXPECT_EQ(ask({.target = "/a\"b?secret"}).status, 200);
  std::string lines = log_lines();
  EXPECT_NE(lines.find(R"("client":"127.0.0.1","method":"GET")"), std::string::npos) << lines;
  EXPECT_NE(lines.find(R"("path":"/a\"b","status":200,"bytes_in":0,"bytes_out":2)"),
            std::string::npos)
      << lines;
  EXPECT_NE(lines.find(R"("route":"all","backend":"static"})"), std::string::npos) << lines;
  raw("bad\r\n\r\n");
  lines = log_lines();
  EXPECT_NE(lines.find(R"("status":400)"), std::string::npos) << lines;
  EXPECT_NE(lines.find(R"("reason":"BadRequest")"), std::string::npos) << lines;
}

TEST_F(GatewayTest, SwapsTablesUnderLoadWithoutLosingARequest) {
  TestServer server(serve_echo);
  serve_all(proxy_to(server.port()));
  std::atomic<bool> stop = false;
  std::atomic<int> good = 0;
  std::atomic<int> bad = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      net::HttpClient http = client();
      while (!stop) {
        (ask(http, {}).status == 200 ? good : bad) += 1;
      }
    });
  }
  for (int i = 0; i < 50; ++i) {
    if (i % 2 == 0) {
      serve_all({"static" + std::to_string(i), StaticBackend{.status = 200, .body = "ok"}});
    } else {
      serve_all(proxy_to(server.port()));
    }
    const int before = good + bad;
    while (good + bad < before + 4) {
      std::this_thread::yield();
    }
  }
  stop = true;
  for (std::thread& thread : clients) {
    thread.join();
  }
  EXPECT_EQ(bad, 0);
  EXPECT_GE(good, 200);
}

TEST_F(GatewayTest, OutlivesTheAgent) {
  RouteTable table{.generation = 7};
  table.routes = {{.name = "all", .rules = {{.backends = {{.backend = "static"}}}}}};
  table.backends = {{"static", StaticBackend{.status = 200, .body = "ok"}}};
  set_table(table);
  control_.reset();
  EXPECT_EQ(ask({}).body, "ok");
  auto again = ControlClient::connect(directory_ + "/control", kTestTimeoutMs);
  ASSERT_TRUE(again.ok());
  const auto status = again->status();
  ASSERT_TRUE(status.ok()) << status.error().message();
  EXPECT_EQ(status->generation, 7U);
  EXPECT_EQ(status->listeners, std::vector<std::string>{"web"});
  EXPECT_GE(status->requests, 1U);
}

TEST_F(GatewayTest, KeepsTheOldTableWhenANewOneIsWrong) {
  serve_all({"static", StaticBackend{.status = 200, .body = "ok"}});
  RouteTable wrong;
  wrong.listeners = {{"other", "127.0.0.1:1"}};
  const Status refused = control_->set_table(wrong);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message().find("listener other"), std::string::npos)
      << refused.error().message();
  RouteTable no_code;
  no_code.listeners = {{"web", ""}};
  no_code.backends = {{"h", HandlerBackend{.code = "sha256:none"}}};
  EXPECT_FALSE(control_->set_table(no_code).ok());
  EXPECT_EQ(ask({}).body, "ok");
}

}  // namespace
}  // namespace duet::gateway
