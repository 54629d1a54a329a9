#include <set>

#include "gateway/gateway_fixture_test.h"
#include "sys/file.h"

namespace duet::gateway {
namespace {

class HandlerTest : public GatewayTest {};

TEST_F(HandlerTest, AnswersFromASandbox) {
  serve_all(handler("hello_handler"));
  net::HttpClient http = client();
  for (int i = 0; i < 20; ++i) {
    const Answer answer = ask(http, {});
    EXPECT_EQ(answer.status, 200);
    EXPECT_FALSE(answer.body.empty());
  }
  EXPECT_NE(log_lines().find("\"cpu_us\":"), std::string::npos);
}

TEST_F(HandlerTest, SharesNothingBetweenRequests) {
  serve_all(handler("counter_handler"));
  net::HttpClient http = client();
  const std::string first = ask(http, {}).body;
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(ask(http, {}).body, first);
  }
}

TEST_F(HandlerTest, StreamsBodiesThroughTheGuest) {
  serve_all(handler("echo_handler", {.cpu_ms = 5'000}));
  const std::string large(3 << 20, 'y');
  EXPECT_EQ(ask({.method = "POST", .body = large}).body, large);
  const std::string answer =
      raw("POST /e?q HTTP/1.1\r\nHost: h.test\r\nTransfer-Encoding: chunked\r\nConnection: "
          "close\r\n\r\n"
          "2\r\nab\r\n0\r\nX-Trailer: t\r\n\r\n");
  EXPECT_NE(answer.find("x-echo-authority: h.test"), std::string::npos) << answer;
  EXPECT_NE(answer.find("x-echo-path: /e?q"), std::string::npos) << answer;
  EXPECT_NE(answer.find("0\r\nx-trailer: t\r\n\r\n"), std::string::npos) << answer;
}

TEST_F(HandlerTest, GivesTheEnvironment) {
  BackendConfig config = handler("environment_handler");
  auto& backend = std::get<HandlerBackend>(config.kind);
  backend.env = {{"GREETING", "hello"}};
  serve_all(config);
  EXPECT_NE(ask({}).body.find("GREETING=hello\n"), std::string::npos);
}

TEST_F(HandlerTest, WritesWhatGuestsPrintAsCriLog) {
  serve_all(handler("writer_handler"));
  EXPECT_EQ(ask({.target = "/?out=to-out&err=to-err"}).status, 200);
  static_cast<void>(control_->status());
  const std::string path = directory_ + "/writer_handler.log";
  std::string text;
  for (int i = 0; i < 30'000 && text.find("to-err") == std::string::npos; ++i) {
    static_cast<void>(control_->status());  // goes once through the worker's loop
    if (auto read = sys::read_file(path, 1 << 20); read.ok()) {
      text = *read;
    }
  }
  EXPECT_NE(text.find(" stdout F to-out"), std::string::npos) << text;
  EXPECT_NE(text.find(" stderr F to-err"), std::string::npos) << text;
}

TEST_F(HandlerTest, StopsHostileGuests) {
  serve_all(
      handler("hostile_handler",
              {.cpu_ms = 50, .first_byte_ms = 3'000, .wall_ms = 4'000, .memory_bytes = 16 << 20}));
  const struct {
    const char* path;
    int status;  // -1: the connection broke in the middle
    const char* reason;
  } cases[] = {
      {"/loop", 504, "CPULimit"},        {"/stack", 502, "Trap"},
      {"/handles", 502, "Trap"},         {"/trap", 502, "Trap"},
      {"/nothing", 502, "NoResponse"},   {"/hang", 504, "Timeout"},
      {"/refuse", 502, "GuestError"},    {"/flood", 504, "CPULimit"},
      {"/trap-after", -1, "Trap"},       {"/truncate", -1, "BodyAbandoned"},
      {"/abandon", -1, "BodyAbandoned"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.path);
    const Answer answer = ask({.target = c.path});
    if (c.status > 0) {
      EXPECT_EQ(answer.status, c.status) << answer.body;
      EXPECT_NE(answer.body.find(c.reason), std::string::npos) << answer.body;
    } else {
      EXPECT_TRUE(answer.body.starts_with("broken: ") || answer.status != 200) << answer.body;
    }
    const std::string lines = log_lines();
    EXPECT_NE(lines.find("\"reason\":\"" + std::string(c.reason)), std::string::npos) << lines;
  }
  // A guest that grows is refused memory, and goes on.
  EXPECT_EQ(ask({.target = "/grow"}).status, 200);
}

TEST_F(HandlerTest, LetsGoodGuestsAnswerBesideHostileOnes) {
  RouteTable table;
  table.routes = {{.name = "r",
                   .rules = {{.matches = {{.path = {PathMatch::Type::kPrefix, "/loop"}}},
                              .backends = {{.backend = "hostile_handler"}}},
                             {.backends = {{.backend = "hello_handler"}}}}}};
  table.backends = {handler("hostile_handler"), handler("hello_handler")};
  set_table(table);
  std::thread hostile([this] {
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(ask({.target = "/loop"}).status, 504);
    }
  });
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(ask({}).status, 200);
  }
  hostile.join();
}

TEST_F(HandlerTest, BoundsRequestsInFlight) {
  serve_all(handler("sleeper_handler", {.in_flight = 1}));
  net::HttpClient slow = client();
  std::thread waiter([&] { EXPECT_EQ(ask(slow, {.target = "/?ms=1500"}).status, 200); });
  for (;;) {  // until the slow one is in the sandbox
    const auto status = control_->status();
    if (status.ok() && status->requests_in_flight == 1) {
      break;
    }
  }
  const Answer refused = ask({.target = "/?ms=1"});
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.body, "503 Service Unavailable: Overloaded\n");
  waiter.join();
  EXPECT_EQ(ask({.target = "/?ms=1"}).status, 200);
}

TEST_F(HandlerTest, BoundsTheAnswer) {
  serve_all(handler("big_body_handler", {.cpu_ms = 2'000, .response_bytes = 1 << 20}));
  EXPECT_EQ(ask({.target = "/?bytes=1000000"}).body.size(), 1'000'000U);
  EXPECT_TRUE(ask({.target = "/?bytes=2000000"}).body.starts_with("broken: "));
}

TEST_F(HandlerTest, DeniesOutgoingRequestsUnlessAllowed) {
  TestServer server(serve_echo);
  RouteTable table;
  BackendConfig outgoing = handler("outgoing_handler", {.cpu_ms = 1'000});
  std::get<HandlerBackend>(outgoing.kind).allow_outbound = {{"http", "127.0.0.1", server.port()},
                                                            {"http", "api.default", 8080},
                                                            {"http", "nowhere.test", 80}};
  table.routes = {{.name = "all", .rules = {{.backends = {{.backend = "outgoing_handler"}}}}}};
  table.backends = {outgoing, {"pods", ProxyBackend{.endpoints = {{"127.0.0.1", server.port()}}}}};
  table.services = {{"default", "api", 8080, "pods"}, {"default", "secret", 80, "pods"}};
  set_table(table);
  const auto get = [this](const std::string& url) { return ask({.fields = {{"x-url", url}}}); };
  const std::string local = "http://127.0.0.1:" + std::to_string(server.port());
  EXPECT_EQ(get(local + "/x").body, "GET /x\n");
  EXPECT_EQ(get("http://api:8080/y").body, "GET /y\n");
  EXPECT_EQ(get("http://api.default.svc.cluster.local:8080/z").body, "GET /z\n");
  const Answer denied = get("http://secret/");
  EXPECT_EQ(denied.status, 502);
  const Answer other_port = get("http://127.0.0.1:1/");
  EXPECT_EQ(other_port.status, 502);
  EXPECT_EQ(other_port.body, denied.body);
  const Answer unknown = get("http://nowhere.test/");
  EXPECT_EQ(unknown.status, 502);
  EXPECT_NE(unknown.body, denied.body);
  const std::string large(1 << 20, 'z');
  const Answer posted = ask(
      {.method = "POST", .fields = {{"x-url", local + "/p"}, {"x-method", "POST"}}, .body = large});
  EXPECT_EQ(posted.body, "POST /p\n" + large);
}

TEST_F(HandlerTest, AsksOtherHandlersByTheirService) {
  RouteTable table;
  BackendConfig outgoing = handler("outgoing_handler");
  std::get<HandlerBackend>(outgoing.kind).allow_outbound = {{"http", "hello", 80}};
  table.routes = {{.name = "all", .rules = {{.backends = {{.backend = "outgoing_handler"}}}}}};
  table.backends = {outgoing, handler("hello_handler")};
  table.services = {{"default", "hello", 80, "hello_handler"}};
  set_table(table);
  const Answer answer = ask({.fields = {{"x-url", "http://hello/"}}});
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_FALSE(answer.body.empty());
}

TEST_F(HandlerTest, AServicesBackendsDivideWhatHandlersAskOfIt) {
  RouteTable table;
  BackendConfig outgoing = handler("outgoing_handler");
  std::get<HandlerBackend>(outgoing.kind).allow_outbound = {{"http", "two", 80}};
  table.routes = {{.name = "all", .rules = {{.backends = {{.backend = "outgoing_handler"}}}}}};
  table.backends = {outgoing,
                    {"one", StaticBackend{.status = 200, .reason = {}, .body = "one"}},
                    {"two", StaticBackend{.status = 200, .reason = {}, .body = "two"}}};
  table.services = {{"default", "two", 80, "one", 1}, {"default", "two", 80, "two", 1}};
  set_table(table);
  std::set<std::string> answers;
  // Each misses one with probability 2^-63 if both are drawn alike.
  for (int i = 0; i < 64; ++i) {
    answers.insert(ask({.fields = {{"x-url", "http://two/"}}}).body);
  }
  EXPECT_EQ(answers, (std::set<std::string>{"one", "two"}));
}

}  // namespace
}  // namespace duet::gateway
