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
  Answer get(const std::string& url, std::vector<OutboundRule> rules, HandlerLimits limits = {}) {
    limits.cpu_ms = 5'000;
    BackendConfig config = handler("outgoing_handler", limits);
    std::get<HandlerBackend>(config.kind).allow_outbound = std::move(rules);
    serve_all(config);
    return ask({.fields = {{"x-url", url}}});
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

}  // namespace
}  // namespace duet::gateway
