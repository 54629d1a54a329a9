#include "gateway/gateway_fixture_test.h"

// Handlers that stand before a backend, through real sockets.
namespace duet::gateway {
namespace {

// Signed with "a key for tests"; {"sub":"ada","exp":...}.
constexpr const char* kGood =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEiLCJleHAiOjQxMDI0NDQ4MDB9."
    "VC4GjsM8EX_NyK85v_OxH8rdMnDr0UDV-lpsmn-2jnw";
constexpr const char* kExpired =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEiLCJleHAiOjEwMDAwMDAwMDB9."
    "oKW0-EUjhY4nxytoRu4U_SgIvRBsUFKmbo_4I6964ZA";
constexpr const char* kOtherKey =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEiLCJleHAiOjQxMDI0NDQ4MDB9."
    "Ed9OcWADWWmtUXd9IsLHClGoKhA1P_FE7pv397qpih4";
constexpr const char* kNoAlgorithm =  // though signed
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEiLCJleHAiOjQxMDI0NDQ4MDB9."
    "uMBZqfrX6A5r8JmrDxj-bJ3t4VLLOUV-9VFa0V4mgcA";

constexpr HandlerLimits kLimits{.cpu_ms = 5'000};

class FilterTest : public GatewayTest {
 protected:
  // A route through `filters` to `backend`.
  void serve_through(std::vector<BackendConfig> filters, BackendConfig backend) {
    RouteTable table;
    Rule rule{.backends = {{.backend = backend.name}}};
    for (BackendConfig& filter : filters) {
      rule.filters.handlers.push_back(filter.name);
      table.backends.push_back(std::move(filter));
    }
    table.backends.push_back(std::move(backend));
    table.routes = {{.name = "all", .rules = {rule}}};
    set_table(std::move(table));
  }

  BackendConfig filter(const std::string& guest,
                       std::vector<std::pair<std::string, std::string>> env = {},
                       const HandlerLimits& limits = kLimits) {
    BackendConfig config = handler(guest, limits);
    std::get<HandlerBackend>(config.kind).env = std::move(env);
    return config;
  }

  static BackendConfig proxy_to(const TestServer& server) {
    return {"pods", ProxyBackend{.endpoints = {{"127.0.0.1", server.port()}}}};
  }
};

std::string_view field(const Answer& answer, const std::string& name) {
  return net::find_value(answer.fields, name);
}

TEST_F(FilterTest, ChangesHeadersInBothDirections) {
  TestServer server(serve_echo);
  serve_through({filter("filter-headers", {{"SITE", "north"}})}, proxy_to(server));
  const Answer answer = ask({.method = "POST",
                             .target = "/a?b=c",
                             .fields = {{"cookie", "s=1"}, {"x-mine", "2"}},
                             .body = "hello"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "POST /a?b=c\nhello");
  EXPECT_EQ(field(answer, "x-got-x-site"), "north");
  EXPECT_EQ(field(answer, "x-got-x-mine"), "2");
  EXPECT_EQ(field(answer, "x-got-cookie"), "");
  EXPECT_EQ(field(answer, "x-got-host"), "127.0.0.1:" + std::to_string(port_));
  EXPECT_EQ(field(answer, "x-got-x-forwarded-for"), "127.0.0.1");
  EXPECT_EQ(field(answer, "x-content-type-options"), "nosniff");
  const std::string line = log_lines();
  EXPECT_NE(line.find("\"backend\":\"pods\""), std::string::npos) << line;
  EXPECT_NE(line.find("\"cpu_us\":"), std::string::npos) << line;
  EXPECT_EQ(line.find("\"outgoing\":"), std::string::npos) << line;
}

TEST_F(FilterTest, StreamsBodiesBothWaysAtTheSameTime) {
  serve_through({filter("filter-headers")}, handler("echo_handler", kLimits));
  // Far more than all buffers on the way: the answer has to flow while the request does.
  const std::string large(4 << 20, 'y');
  EXPECT_EQ(ask({.method = "POST", .body = large}).body, large);
  const std::string answer =
      raw("POST /e HTTP/1.1\r\nHost: h.test\r\nTransfer-Encoding: chunked\r\nConnection: "
          "close\r\n\r\n2\r\nab\r\n0\r\n\r\n");
  EXPECT_NE(answer.find("x-echo-authority: h.test"), std::string::npos) << answer;
  EXPECT_NE(answer.find("2\r\nab\r\n"), std::string::npos) << answer;
}

TEST_F(FilterTest, LetsNobodyThroughWithoutAToken) {
  TestServer server(serve_echo);
  serve_through({filter("filter-jwt", {{"JWT_KEY", "a key for tests"}})}, proxy_to(server));
  const auto with = [this](const std::string& authorization) {
    return ask({.fields = {{"authorization", authorization}, {"x-subject", "root"}}});
  };
  const std::string bearer = "Bearer ";
  for (const std::string& wrong :
       {std::string(), std::string("Basic YTpi"), bearer, bearer + "a.b", bearer + "a.b.c",
        bearer + kExpired, bearer + kOtherKey, bearer + kNoAlgorithm, bearer + kGood + "A"}) {
    const Answer answer = with(wrong);
    EXPECT_EQ(answer.status, 401) << wrong;
  }
  EXPECT_EQ(server.connections(), 0);
  const Answer answer = with(bearer + kGood);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(field(answer, "x-got-x-subject"), "ada");
  EXPECT_EQ(field(answer, "x-got-authorization"), "");
}

TEST_F(FilterTest, ChangesTheAnswersBody) {
  const auto answer_of = [this](const std::string& body) {
    serve_through({filter("filter-json", {{"KEEP", "id,name,none"}})},
                  {"static", StaticBackend{.status = 201, .body = body}});
    return ask({});
  };
  const Answer answer =
      answer_of(R"({"id": 7, "cost": {"id": [1, "}"]}, "name":"A \"b\"", "x": 1})");
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.body, "{\"id\":7,\"name\":\"A \\\"b\\\"\"}\n");
  EXPECT_EQ(field(answer, "content-type"), "application/json");
  EXPECT_EQ(answer_of("[1]").status, 502);
  EXPECT_EQ(answer_of(R"({"id": 7)").status, 502);
}

TEST_F(FilterTest, FiltersStandInTheirOrder) {
  TestServer server(serve_echo);
  serve_through({filter("filter-jwt", {{"JWT_KEY", "a key for tests"}}),
                 filter("filter-headers", {{"SITE", "north"}})},
                proxy_to(server));
  const Answer refused = ask({});
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(field(refused, "x-content-type-options"), "");
  const Answer answer = ask({.fields = {{"authorization", std::string("Bearer ") + kGood}}});
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(field(answer, "x-got-x-subject"), "ada");
  EXPECT_EQ(field(answer, "x-got-x-site"), "north");
  EXPECT_EQ(field(answer, "x-content-type-options"), "nosniff");
}

TEST_F(FilterTest, AFilterThatIsMissingIsNotPassedOver) {
  TestServer server(serve_echo);
  serve_through({{"missing", StaticBackend{.status = 500, .reason = "FilterNotFound"}}},
                proxy_to(server));
  EXPECT_EQ(ask({}).body, "500 Internal Server Error: FilterNotFound\n");
  EXPECT_EQ(server.connections(), 0);
  RouteTable table;
  table.routes = {
      {.name = "all",
       .rules = {{.filters = {.handlers = {"nowhere"}}, .backends = {{.backend = "static"}}}}}};
  table.backends = {{"static", StaticBackend{.status = 200, .body = "x"}}};
  table.listeners = {{"web", "127.0.0.1"}};
  EXPECT_FALSE(control_->set_table(table).ok());
}

TEST_F(FilterTest, ABackendThatFailsIsAnErrorForTheFilter) {
  serve_through({filter("filter-headers")}, {"pods", ProxyBackend{}});
  const Answer answer = ask({});
  EXPECT_EQ(answer.status, 502);
  EXPECT_NE(answer.body.find("GuestError"), std::string::npos) << answer.body;
  EXPECT_NE(log_lines().find("DestinationUnavailable"), std::string::npos);
}

TEST_F(FilterTest, TheNextStepIsOnlyForFilters) {
  serve_all(handler("outgoing_handler"));
  EXPECT_EQ(ask({.fields = {{"x-url", "http://next.duet.internal/"}}}).status, 502);
}

TEST_F(FilterTest, TheNextStepCanBeAskedOnce) {
  TestServer server([](net::ServerConnection& connection) { serve_echo(connection); });
  serve_through({filter("hostile_handler", {}, {.outgoing = 5})}, proxy_to(server));
  const Answer answer =
      ask({.target = "/calls", .fields = {{"x-url", "http://next.duet.internal/"}}});
  EXPECT_EQ(answer.status, 502) << answer.body;
  EXPECT_LE(server.connections(), 1);
}

}  // namespace
}  // namespace duet::gateway
