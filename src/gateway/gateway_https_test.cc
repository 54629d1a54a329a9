#include <gmock/gmock.h>

#include <future>

#include "gateway/gateway_tls_fixture_test.h"
#include "net/dns_server_for_test.h"
#include "net/tls_server_for_test.h"
#include "sys/file.h"

// Outgoing requests of handlers by https.
namespace duet::gateway {
namespace {

using net::TlsServerForTest;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

using Peer = TlsServerForTest::Connection;

constexpr const char* kRefused = "error-code 6\n";
constexpr const char* kTimedOut = "error-code 8\n";
constexpr const char* kTlsProtocolError = "error-code 12\n";
constexpr const char* kTlsCertificateError = "error-code 13\n";

// Answers requests without bodies, and says whether the session was resumed.
void answer_all(Peer& peer) {
  if (!peer.shake_hands()) {
    return;
  }
  for (;;) {
    const std::string head = peer.read_until("\r\n\r\n");
    if (head.empty()) {
      return;
    }
    const std::string body = head.substr(0, head.find(" HTTP")) + (peer.resumed() ? " again" : "");
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
               body);
  }
}

// Sends `answer` to the first request, and closes with or without a word.
TlsServerForTest::Serve answer_and_close(std::string answer, bool says_end) {
  return [answer = std::move(answer), says_end](Peer& peer) {
    if (peer.shake_hands()) {
      peer.read_until("\r\n\r\n");
      peer.write(answer);
      if (says_end) {
        peer.say_end();
      }
      shutdown(peer.fd(), SHUT_WR);
      peer.wait_for_end();
    }
  };
}

class HttpsTest : public TlsGatewayTest {
 protected:
  void SetUp() override {
    dns_ = {.servers = names_.address(), .timeout_ms = 100, .tries = 1};
    TlsGatewayTest::SetUp();
  }

  // The handler that asks for what its client says, which may go to `port` of any test's name.
  BackendConfig asker(int port, HandlerLimits limits = {}) {
    limits.cpu_ms = 5'000;
    BackendConfig config = handler("outgoing_handler", limits);
    std::get<HandlerBackend>(config.kind).allow_outbound = {
        {"https", "*.test", port}, {"https", "127.0.0.0/8", port}, {"https", "api", 443}};
    return config;
  }
  RouteTable table_of(BackendConfig backend) {
    RouteTable table = table_to(std::move(backend));
    table.authorities_pem = authority_.pem();
    return table;
  }
  Answer get(const std::string& url) const { return ask({.fields = {{"x-url", url}}}); }
  // What the guest got from https://`host` at the server.
  Answer get(const TlsServerForTest& server, const std::string& host = "a.test",
             HandlerLimits limits = {}) {
    serve(table_of(asker(server.port(), limits)));
    return get("https://" + host + ":" + std::to_string(server.port()) + "/");
  }
  // Of the handler's log, up to the line with `part`.
  std::string handler_log(const std::string& part) const {
    std::string text;
    for (int i = 0; i < 30'000 && text.find(part) == std::string::npos; ++i) {
      static_cast<void>(control_->status());  // goes once through the worker's loop
      text = sys::read_file(directory_ + "/outgoing_handler.log", 1 << 20).value_or("");
    }
    return text;
  }

  net::AuthorityForTest authority_{"the site's"};
  net::DnsServer names_{[](const std::string& name) -> net::DnsServer::Records {
    if (name == "a.test" || name == "b.test") {
      return {.addresses = {"127.0.0.1"}};
    }
    if (name == "several.test") {  // nobody listens on the first
      return {.addresses = {"127.0.0.9", "127.0.0.1"}};
    }
    return {.code = 3};
  }};
};

TEST_F(HttpsTest, AsksByNameAndByAddress) {
  TlsServerForTest server(authority_.issue("DNS:a.test,DNS:several.test,IP:127.0.0.1"), answer_all);
  const std::string port = std::to_string(server.port());
  serve(table_of(asker(server.port())));
  EXPECT_EQ(get("https://a.test:" + port + "/x?y").body, "GET /x?y");
  EXPECT_EQ(get("https://A.Test.:" + port + "/x").body, "GET /x");
  EXPECT_EQ(get("https://127.0.0.1:" + port + "/x").body, "GET /x");
  EXPECT_EQ(get("https://several.test:" + port + "/x").body, "GET /x");
  const std::string line = log_lines();
  EXPECT_THAT(line, HasSubstr("\"outgoing\":1"));
  EXPECT_THAT(line, HasSubstr("\"outgoing_bytes\":8"));  // without what TLS adds
}

TEST_F(HttpsTest, KeepsConnectionsForOneNameAtOneAddress) {
  TlsServerForTest server(authority_.issue("DNS:a.test,DNS:b.test"), answer_all);
  const std::string port = std::to_string(server.port());
  serve(table_of(asker(server.port())));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(get("https://a.test:" + port + "/").body, "GET /");
  }
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(get("https://b.test:" + port + "/").body, "GET /");
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(HttpsTest, ResumesTheSessionOnTheNextConnection) {
  TlsServerForTest server(authority_.issue("DNS:a.test"), [](Peer& peer) {
    if (peer.shake_hands()) {
      peer.read_until("\r\n\r\n");
      peer.write(std::string("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n") +
                 (peer.resumed() ? "2" : "1"));
      peer.wait_for_end();
    }
  });
  EXPECT_EQ(get(server).body, "1");
  EXPECT_EQ(get(server).body, "2");
  EXPECT_EQ(get(server).body, "2");
  EXPECT_EQ(server.connections(), 3);
}

// A ticket comes when nobody waits for an answer; the connection is as good as before.
TEST_F(HttpsTest, AnIdleConnectionMayGetTickets) {
  std::promise<void> asked;
  std::promise<void> sent;
  TlsServerForTest server(authority_.issue("DNS:a.test"), [&](Peer& peer) {
    if (!peer.shake_hands()) {
      return;
    }
    for (int i = 0; i < 2; ++i) {
      peer.read_until("\r\n\r\n");
      peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
      if (i == 0) {
        asked.get_future().wait();
        SSL_new_session_ticket(peer.ssl());
        SSL_do_handshake(peer.ssl());
        sent.set_value();
      }
    }
    peer.wait_for_end();
  });
  EXPECT_EQ(get(server).body, "x");
  asked.set_value();
  sent.get_future().wait();
  EXPECT_EQ(get(server).body, "x");
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpsTest, RefusesWhoCannotShowWhoItIs) {
  const auto refused = [this](const net::SelfSigned& certificate, const std::string& why) {
    TlsServerForTest server(certificate, answer_all);
    const Answer answer = get(server);
    EXPECT_EQ(answer.status, 502);
    EXPECT_EQ(answer.body, kTlsCertificateError) << why;
    const std::string port = std::to_string(server.port());
    const std::string line = "[duet: outgoing request to https://a.test:" + port +
                             " failed: the server's certificate: " + why + " (127.0.0.1:" + port +
                             " as a.test)]\n";
    EXPECT_THAT(handler_log(line), HasSubstr(line));
  };
  refused(net::AuthorityForTest("a stranger").issue("DNS:a.test"),
          "unable to get local issuer certificate");
  refused(authority_.issue("DNS:b.test"), "hostname mismatch");
  refused(authority_.issue("DNS:a.test", -3, -1), "certificate has expired");
  refused(*net::make_self_signed("a.test"), "self-signed certificate");
}

TEST_F(HttpsTest, SaysThatAServerDoesNotSpeakTls) {
  TlsServerForTest plain(authority_.issue("DNS:a.test"), [](Peer& peer) {
    const std::string_view answer = "HTTP/1.1 400 Bad Request\r\n\r\n";
    EXPECT_TRUE(net::send_all(peer.fd(), answer).ok());
    peer.wait_for_end();
  });
  EXPECT_EQ(get(plain).body, kTlsProtocolError);
  const std::string port = std::to_string(plain.port());
  const std::string line = "failed: the TLS handshake: wrong version number (127.0.0.1:" + port;
  EXPECT_THAT(handler_log(line), HasSubstr(line));
}

TEST_F(HttpsTest, AHandshakeThatIsResetOrEndsIsAProtocolError) {
  TlsServerForTest resets(authority_.issue("DNS:a.test"), [](Peer& peer) {
    char hello[1];
    recv(peer.fd(), hello, 1, 0);
    peer.reset_at_close();
  });
  EXPECT_EQ(get(resets).body, kTlsProtocolError);
  EXPECT_THAT(handler_log("reset"), HasSubstr("the TLS handshake: Connection reset by peer"));
  TlsServerForTest closes(authority_.issue("DNS:a.test"), [](Peer& peer) {
    char hello[1];
    recv(peer.fd(), hello, 1, 0);
    shutdown(peer.fd(), SHUT_WR);
    peer.wait_for_end();
  });
  EXPECT_EQ(get(closes).body, kTlsProtocolError);
  TlsServerForTest old(authority_.issue("DNS:a.test"), answer_all, TLS1_1_VERSION);
  EXPECT_EQ(get(old).body, kTlsProtocolError);
}

TEST_F(HttpsTest, NobodyThereIsNoMatterOfTls) {
  int port = 0;
  {
    const TlsServerForTest gone(authority_.issue("DNS:a.test"), answer_all);
    port = gone.port();
  }
  serve(table_of(asker(port)));
  EXPECT_EQ(get("https://a.test:" + std::to_string(port) + "/").body, kRefused);
}

TEST_F(HttpsTest, AHandshakeThatStallsEndsInTimeAndHoldsNobodyUp) {
  std::promise<void> reached;
  TlsServerForTest server(authority_.issue("DNS:a.test"), [&reached](Peer& peer) {
    char hello[1];
    recv(peer.fd(), hello, 1, 0);
    reached.set_value();
    peer.wait_for_end();
  });
  RouteTable table = table_of(asker(server.port(), {.outgoing_ms = 500}));
  table.routes.push_back({.name = "other",
                          .hostnames = {"other.test"},
                          .rules = {{.backends = {{.backend = "static"}}}}});
  table.backends.push_back({"static", StaticBackend{.status = 200, .reason = {}, .body = "here"}});
  serve(table);
  auto stalled = std::async(std::launch::async, [&] {
    return get("https://a.test:" + std::to_string(server.port()) + "/");
  });
  reached.get_future().wait();
  EXPECT_EQ(ask({.fields = {{"Host", "other.test"}}}).body, "here");
  EXPECT_EQ(stalled.get().body, kTimedOut);
}

TEST_F(HttpsTest, AnAnswerThatIsCutIsNotTakenForWhole) {
  const struct {
    const char* head;
    const char* cut;  // of its body
    const char* whole;
  } kinds[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n", "half", "half all"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "4\r\nhalf\r\n",
       "4\r\nhalf\r\n4\r\n all\r\n0\r\n\r\n"},
      {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", "half all", nullptr},
  };
  const net::SelfSigned certificate = authority_.issue("DNS:a.test");
  for (const auto& kind : kinds) {
    const std::string head = kind.head;
    TlsServerForTest cut(certificate, answer_and_close(head + kind.cut, false));
    EXPECT_THAT(get(cut).body, StartsWith("broken: ")) << head;
    // Who has said all may go without a word, unless the end was all that told the length.
    TlsServerForTest whole(certificate,
                           answer_and_close(head + (kind.whole != nullptr ? kind.whole : kind.cut),
                                            kind.whole == nullptr));
    EXPECT_EQ(get(whole).body, "half all") << head;
  }
}

// Both ends are the gateway: the handler asks the other listener, which has a server behind it.
TEST_F(HttpsTest, StreamsLargeBodiesBothWays) {
  TestServer server(serve_echo);
  RouteTable table = table_of(asker(tls_port_));
  table.routes.push_back(
      {.name = "echo", .hostnames = {"a.test"}, .rules = {{.backends = {{.backend = "pods"}}}}});
  table.backends.push_back({"pods", ProxyBackend{.endpoints = {{"127.0.0.1", server.port()}}}});
  const net::SelfSigned certificate = authority_.issue("DNS:a.test");
  table.certificates = {{"Secret a/b", {"a.test"}, certificate.chain_pem, certificate.key_pem}};
  serve(table);
  std::string large(5 << 20, 'x');
  for (std::size_t i = 0; i < large.size(); i += 1000) {
    large[i] = static_cast<char>('a' + i / 1000 % 26);
  }
  const std::string url = "https://a.test:" + std::to_string(tls_port_) + "/large";
  for (int i = 0; i < 2; ++i) {
    const Answer answer =
        ask({.method = "POST", .fields = {{"x-url", url}, {"x-method", "POST"}}, .body = large});
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "POST /large\n" + large);
  }
}

TEST_F(HttpsTest, ServicesOfTheSiteShowTheirNameToo) {
  TlsServerForTest server(authority_.issue("DNS:api,DNS:api.default.svc"), answer_all);
  RouteTable table = table_of(asker(1));
  table.backends.push_back({"pods", ProxyBackend{.endpoints = {{"127.0.0.1", server.port()}}}});
  table.services = {{"default", "api", 443, "pods"}};
  serve(table);
  EXPECT_EQ(get("https://api/x").body, "GET /x");
  EXPECT_EQ(get("https://api.default.svc/x").body, "GET /x");
  EXPECT_EQ(get("https://api.default/x").body, kTlsCertificateError);
}

// What answers in the gateway is reached without a wire.
TEST_F(HttpsTest, AHandlersServiceNeedsNoCertificate) {
  RouteTable table = table_of(asker(1));
  table.backends.push_back({"static", StaticBackend{.status = 200, .reason = {}, .body = "here"}});
  table.services = {{"default", "api", 443, "static"}};
  serve(table);
  EXPECT_EQ(get("https://api/x").body, "here");
}

TEST_F(HttpsTest, ANameThatLeadsInsideIsRefused) {
  TlsServerForTest server(authority_.issue("DNS:a.test"), answer_all);
  BackendConfig config = asker(server.port());
  const std::string url = "https://a.test:" + std::to_string(server.port()) + "/";
  auto& rules = std::get<HandlerBackend>(config.kind).allow_outbound;
  rules = {{"https", "a.test", server.port()}, {"http", "127.0.0.0/8", server.port()}};
  serve(table_of(config));
  EXPECT_EQ(get(url).body, "error-code 4\n");
  rules = {{"http", "a.test", server.port()}};
  serve(table_of(config));
  EXPECT_EQ(get(url).body, "error-code 15\n");
  EXPECT_EQ(server.connections(), 0);
}

}  // namespace
}  // namespace duet::gateway
