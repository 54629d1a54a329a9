#include "gateway/gateway_fixture_test.h"
#include "net/dns_server_for_test.h"

// Outgoing requests of handlers by name: resolved by the worker, and held against the policy by the
// address that is connected to.
namespace duet::gateway {
namespace {

class EgressTest : public GatewayTest {
 protected:
  void SetUp() override {
    dns_ = {.servers = names_.address(), .timeout_ms = 100, .tries = 1};
    GatewayTest::SetUp();
  }

  // What the guest answers when it has asked `url` with these rights.
  Answer get(const std::string& url, std::vector<OutboundRule> rules, HandlerLimits limits = {},
             net::FieldList fields = {}) {
    limits.cpu_ms = 5'000;
    BackendConfig config = handler("outgoing_handler", limits);
    std::get<HandlerBackend>(config.kind).allow_outbound = std::move(rules);
    serve_all(config);
    fields.emplace_back("x-url", url);
    return ask({.fields = std::move(fields)});
  }
  std::string port() const { return std::to_string(server_.port()); }
  OutboundRule rule(const std::string& host) const { return {"http", host, server_.port()}; }

  net::DnsServer names_{[](const std::string& name) -> net::DnsServer::Records {
    if (name == "here.test") {
      return {.addresses = {"127.0.0.1"}};
    }
    if (name == "mapped.test") {
      return {.addresses = {"::ffff:127.0.0.1"}};
    }
    if (name == "several.test") {  // the first may not be asked, and nobody listens on the second
      return {.addresses = {"10.255.255.1", "127.0.0.9", "127.0.0.1"}};
    }
    if (name == "silent.test") {
      return {.silent = true};
    }
    return {.code = 3};
  }};
  TestServer server_{serve_echo};
};

TEST_F(EgressTest, AsksByName) {
  const Answer answer =
      get("http://here.test:" + port() + "/x", {rule("here.test"), rule("127.0.0.1")});
  EXPECT_EQ(answer.body, "GET /x\n");
  EXPECT_EQ(answer.status, 200);
  const std::string line = log_lines();
  EXPECT_NE(line.find("\"outgoing\":1"), std::string::npos) << line;
  EXPECT_NE(line.find("\"outgoing_bytes\":7"), std::string::npos) << line;
}

TEST_F(EgressTest, ANameThatLeadsInsideIsRefused) {
  const std::string prohibited = "error-code 4\n";  // destination-IP-prohibited
  EXPECT_EQ(get("http://here.test:" + port(), {rule("here.test")}).body, prohibited);
  EXPECT_EQ(get("http://here.test:" + port(), {rule("*")}).body, prohibited);
  EXPECT_EQ(get("http://mapped.test:" + port(), {rule("*.test")}).body, prohibited);
  EXPECT_EQ(get("http://localhost:" + port(), {rule("*")}).body, prohibited);
  EXPECT_EQ(server_.connections(), 0);
  EXPECT_EQ(get("http://localhost:" + port(), {rule("localhost")}).status, 200);
  EXPECT_EQ(get("http://mapped.test:" + port(), {rule("*.test"), rule("127.0.0.0/8")}).status, 200);
}

TEST_F(EgressTest, AddressesThatMayNotBeAskedArePassedOver) {
  EXPECT_EQ(get("http://several.test:" + port(), {rule("several.test"), rule("127.0.0.0/8")}).body,
            "GET /\n");
}

TEST_F(EgressTest, NamesThatDoNotResolveAreSaid) {
  EXPECT_EQ(get("http://missing.test/", {{"http", "missing.test", 80}}).body, "error-code 1\n");
  EXPECT_EQ(get("http://silent.test/", {{"http", "silent.test", 80}}).body, "error-code 0\n");
}

TEST_F(EgressTest, BytesAreBounded) {
  const std::string url = "http://127.0.0.1:" + port();
  EXPECT_EQ(get(url + "/0123456789", {rule("127.0.0.1")}, {.outgoing_bytes = 16}).status, 200);
  const Answer cut = get(url + "/0123456789", {rule("127.0.0.1")}, {.outgoing_bytes = 15});
  EXPECT_TRUE(cut.body.starts_with("broken: ")) << cut.status << " " << cut.body;
}

// Far less than what the gateway waits by itself, so that a test that has an answer has shown it.
constexpr const char* kShortMs = "50";
constexpr const char* kConnectionTimeout = "error-code 8\n";
constexpr const char* kReadTimeout = "error-code 9\n";

TEST_F(EgressTest, AGuestBoundsTheTimeOfAConnection) {
  // A server whose queue is full lets others wait.
  const sys::Fd server = std::move(*net::listen_tcp(*net::make_address("127.0.0.1", 0)));
  ASSERT_EQ(listen(server.get(), 0), 0);
  const net::SocketAddress full = *net::local_address(server.get());
  const std::string name = net::format_address(full);
  const int full_port = std::stoi(name.substr(name.rfind(':') + 1));
  const sys::Fd first = std::move(*net::connect_tcp(full, kTestTimeoutMs));
  const sys::Fd second = std::move(*net::start_connect(full));
  EXPECT_EQ(get("http://127.0.0.1:" + std::to_string(full_port), {{"http", "127.0.0.1", full_port}},
                {}, {{"x-connect-timeout-ms", kShortMs}})
                .body,
            kConnectionTimeout);
  // A name that nobody answers for is on its way to a connection as well.
  EXPECT_EQ(
      get("http://silent.test/", {{"http", "silent.test", 80}}, {}, {{"x-connect-timeout-ms", "1"}})
          .body,
      kConnectionTimeout);
  EXPECT_EQ(get("http://127.0.0.1:" + port(), {rule("127.0.0.1")}, {},
                {{"x-connect-timeout-ms", kShortMs}})
                .status,
            200);
}

TEST_F(EgressTest, AGuestBoundsTheTimeOfAnAnswer) {
  TestServer slow([](net::ServerConnection& connection) {
    const auto request = connection.next();
    if (request.ok() && *request && (*request)->path == "/half") {
      (void)net::send_all(connection.fd(), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n1");
    }
    (void)connection.next();  // the rest never comes
  });
  const std::string url = "http://127.0.0.1:" + std::to_string(slow.port());
  const OutboundRule allowed{"http", "127.0.0.1", slow.port()};
  EXPECT_EQ(get(url, {allowed}, {}, {{"x-timeout-ms", kShortMs}}).body, kReadTimeout);
  const Answer half = get(url + "/half", {allowed}, {},
                          {{"x-timeout-ms", "20000"}, {"x-between-timeout-ms", kShortMs}});
  EXPECT_TRUE(half.body.starts_with("1broken: ") || half.body.starts_with("broken: "))
      << half.status << " " << half.body;
}

TEST_F(EgressTest, TheHandlersOwnBudgetIsNotLengthened) {
  TestServer silent([](net::ServerConnection& connection) {
    (void)connection.next();
    (void)connection.next();
  });
  const Answer answer =
      get("http://127.0.0.1:" + std::to_string(silent.port()),
          {{"http", "127.0.0.1", silent.port()}}, {.outgoing_ms = 50}, {{"x-timeout-ms", "20000"}});
  EXPECT_EQ(answer.body, kConnectionTimeout);
}

}  // namespace
}  // namespace duet::gateway
