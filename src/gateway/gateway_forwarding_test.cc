#include "gateway/gateway_tls_fixture_test.h"
#include "sys/file.h"

// The PROXY protocol and forwarding fields, from the socket to the backend and the log.
namespace duet::gateway {
namespace {

using std::string_literals::operator""s;

constexpr const char* kRequest = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";

class ForwardingTest : public TlsGatewayTest {
 protected:
  // Both listeners expect the PROXY protocol.
  static RouteTable proxied(const TestServer& server) {
    RouteTable table = table_to(server);
    table.forwarding.trusted_proxies = {"127.0.0.1"};
    for (Listener& listener : table.listeners) {
      listener.proxy_protocol = true;
    }
    return table;
  }
};

TEST_F(ForwardingTest, TheHeaderNamesTheClient) {
  TestServer server(serve_echo);
  serve(proxied(server));
  const std::string answer = raw("PROXY TCP4 192.0.2.7 192.0.2.1 5000 80\r\n"s + kRequest);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  EXPECT_NE(answer.find("x-got-x-forwarded-for: 192.0.2.7\r\n"), std::string::npos) << answer;
  EXPECT_NE(log_lines().find("\"client\":\"192.0.2.7\""), std::string::npos);
  const std::string v2 = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x10\xc0\0\2\x09\xc0\0\2\1\1\1\2\2\4\0\1x"s;
  const std::string second = raw(v2 + kRequest);
  EXPECT_NE(second.find("x-got-x-forwarded-for: 192.0.2.9\r\n"), std::string::npos) << second;
  const std::string unknown = raw("PROXY UNKNOWN\r\n"s + kRequest);
  EXPECT_NE(unknown.find("x-got-x-forwarded-for: 127.0.0.1\r\n"), std::string::npos) << unknown;
}

TEST_F(ForwardingTest, TheHeaderComesBeforeTls) {
  TestServer server(serve_echo);
  serve(proxied(server));
  for (const char* version : {"--http1.1", "--http2"}) {
    const std::string answer = curl("a.test", {"-i", "-k", version, "--haproxy-protocol"});
    EXPECT_NE(answer.find("x-got-x-forwarded-for: 127.0.0.1\r\n"), std::string::npos) << answer;
  }
  EXPECT_TRUE(curl("a.test", {"-i", "-k"}).starts_with("failed: "));
}

TEST_F(ForwardingTest, TheHeaderMayComeInPieces) {
  TestServer server(serve_echo);
  serve(proxied(server));
  auto socket = net::connect_tcp(*net::make_address("127.0.0.1", port_), kTestTimeoutMs);
  ASSERT_TRUE(socket.ok());
  for (const char c : "PROXY TCP6 2001:db8::7 ::1 1 2\r\n"s + kRequest) {
    ASSERT_TRUE(net::send_all(socket->get(), {&c, 1}).ok());
  }
  const auto answer = sys::read_all(socket->get(), 1 << 20);
  EXPECT_NE(answer->find("x-got-x-forwarded-for: 2001:db8::7\r\n"), std::string::npos) << *answer;
}

TEST_F(ForwardingTest, WhatIsNoHeaderIsCutOff) {
  TestServer server(serve_echo);
  serve(proxied(server));
  EXPECT_EQ(raw(kRequest).find("HTTP"), std::string::npos);  // it may be a reset
  std::string line = log_lines();
  EXPECT_NE(line.find("\"client\":\"127.0.0.1\""), std::string::npos) << line;
  EXPECT_NE(line.find("\"reason\":\"ProxyHeaderFailed\",\"detail\":\"no header"),
            std::string::npos);
  RouteTable table = proxied(server);
  table.forwarding.trusted_proxies = {"192.0.2.0/24"};
  serve(table);
  const std::string cut = raw("PROXY TCP4 192.0.2.7 192.0.2.1 5000 80\r\n"s + kRequest);
  EXPECT_EQ(cut.find("HTTP"), std::string::npos) << cut;
  line = log_lines();
  EXPECT_NE(line.find("the peer is none of gateway.trustedProxies"), std::string::npos) << line;
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(ForwardingTest, FieldsOfStrangersAreReplaced) {
  TestServer server(serve_echo);
  serve(server);
  const std::string answer = raw(
      "GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n"
      "X-Forwarded-Host: evil.test\r\nForwarded: for=6.6.6.6\r\nConnection: close\r\n\r\n");
  EXPECT_NE(answer.find("x-got-x-forwarded-for: 127.0.0.1\r\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("x-got-x-forwarded-proto: http\r\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("x-got-x-forwarded-host: a.test\r\n"), std::string::npos) << answer;
  EXPECT_EQ(answer.find("6.6.6.6"), std::string::npos) << answer;
}

TEST_F(ForwardingTest, FieldsOfProxiesAreHonoured) {
  TestServer server(serve_echo);
  RouteTable table = table_to(server);
  table.forwarding.trusted_proxies = {"127.0.0.0/8"};
  table.routes[0].rules.push_back({.matches = {{.path = {PathMatch::Type::kExact, "/moved"}}},
                                   .filters = {.redirect = Redirect{.hostname = "b.test"}}});
  serve(table);
  const std::string fields =
      " HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"
      "Connection: close\r\n\r\n";
  const std::string answer = raw("GET /" + fields);
  EXPECT_NE(answer.find("x-got-x-forwarded-for: 192.0.2.7, 127.0.0.1\r\n"), std::string::npos)
      << answer;
  EXPECT_NE(answer.find("x-got-x-forwarded-proto: https\r\n"), std::string::npos) << answer;
  EXPECT_NE(log_lines().find("\"client\":\"192.0.2.7\""), std::string::npos);
  const std::string moved = raw("GET /moved" + fields);
  EXPECT_NE(moved.find("Location: https://b.test/moved\r\n"), std::string::npos) << moved;
}

TEST_F(ForwardingTest, TheStandardFieldIsWrittenWhereTheSiteSaysSo) {
  TestServer server(serve_echo);
  RouteTable table = table_to(server);
  table.forwarding = {.trusted_proxies = {"127.0.0.1"}, .standard = true};
  serve(table);
  const std::string answer =
      raw("GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 6.6.6.6\r\n"
          "Forwarded: for=192.0.2.7;proto=https\r\nConnection: close\r\n\r\n");
  EXPECT_NE(answer.find("x-got-forwarded: for=192.0.2.7;proto=https, "
                        "for=127.0.0.1;host=\"a.test\";proto=http\r\n"),
            std::string::npos)
      << answer;
  EXPECT_NE(answer.find("x-got-x-forwarded-for: 192.0.2.7\r\n"), std::string::npos) << answer;
}

class SlowProxyTest : public ForwardingTest {
 protected:
  SlowProxyTest() { clients_.proxy_header_timeout_ms = 100; }
};

TEST_F(SlowProxyTest, TheHeaderMustComeInTime) {
  TestServer server(serve_echo);
  serve(proxied(server));
  EXPECT_EQ(raw("PROXY TCP4 192.0.2"), "");
  EXPECT_NE(log_lines().find("no header of the PROXY protocol in time"), std::string::npos);
}

}  // namespace
}  // namespace duet::gateway
