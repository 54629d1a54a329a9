#include <gmock/gmock.h>

#include <future>
#include <vector>

#include "gateway/gateway_fixture_test.h"
#include "sys/file.h"

// Components of WASI 0.3 as handlers, through the front door of a real worker: what is true of
// handlers of 0.2 is true of them.
namespace duet::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

// Enough for what is well.
constexpr HandlerLimits kLimits{.cpu_ms = 1'000,
                                .first_byte_ms = 30'000,
                                .wall_ms = 40'000,
                                .memory_bytes = 16 << 20,
                                .response_bytes = 16 << 20,
                                .outgoing = 8,
                                .outgoing_concurrent = 4};

// Soon over for what is not; and no guest that waits computes that much in that time.
constexpr HandlerLimits kTight{.cpu_ms = 50,
                               .first_byte_ms = 1'000,
                               .wall_ms = 1'500,
                               .memory_bytes = 16 << 20,
                               .response_bytes = 16 << 20,
                               .outgoing = 8,
                               .outgoing_concurrent = 4};

class ServiceTest : public GatewayTest {
 protected:
  void SetUp() override {
    GatewayTest::SetUp();
    serve_beside_another(kLimits);
  }

  void serve_beside_another(const HandlerLimits& limits) {
    RouteTable table;
    BackendConfig service = handler("rust_service", limits);
    std::get<HandlerBackend>(service.kind).env = {{"GREETING", "good day"}};
    std::get<HandlerBackend>(service.kind).allow_outbound = {{"http", "127.0.0.1", server_.port()}};
    table.backends = {std::move(service), handler("hello_handler")};
    const auto rule = [](const char* prefix, const char* backend) {
      return Rule{.matches = {{.path = {PathMatch::Type::kPrefix, prefix}}},
                  .backends = {{.backend = backend}}};
    };
    Route route{.name = "all"};
    route.rules = {rule("/good", "hello_handler"), rule("/", "rust_service")};
    table.routes = {route};
    set_table(std::move(table));
  }

  // A request with a body, and the URL of a server that echoes.
  Answer post(const std::string& path, const std::string& body = "a body") const {
    return ask(
        {.method = "POST", .target = path, .fields = {{"x-url", url("/there")}}, .body = body});
  }
  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(server_.port()) + path;
  }

  TestServer server_{serve_echo};
};

TEST_F(ServiceTest, AnswersAndIsAccountedFor) {
  const Answer answer = ask({.target = "/hello"});
  EXPECT_EQ(answer.status, 200) << log_lines();
  EXPECT_EQ(answer.body, "hello from duet\n");
  const std::string line = log_lines();
  EXPECT_THAT(line, HasSubstr("\"cpu_us\":"));
  EXPECT_THAT(line, HasSubstr("\"cold\":true"));
  EXPECT_THAT(line, HasSubstr("\"bytes_out\":16"));
  EXPECT_THAT(line, Not(HasSubstr("\"reason\"")));
  EXPECT_EQ(ask({.target = "/env"}).body, "good day");
}

TEST_F(ServiceTest, EveryRequestHasASandboxOfItsOwn) {
  net::HttpClient http = client();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(ask(http, {.target = "/count"}).body, "1\n");
  }
}

// Much more than all buffers hold, in both directions at the same time.
TEST_F(ServiceTest, BodiesStreamWithTheirTrailers) {
  const std::string body(4 << 20, 'x');
  for (const std::string path : {"/echo", "/pass"}) {
    const Answer answer = post(path, body);
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_EQ(answer.body.size(), body.size()) << path << log_lines();
    EXPECT_TRUE(answer.body == body);
    const std::string chunked =
        raw("POST " + path +
            " HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTE: trailers\r\n"
            "Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\nx-sum: 42\r\n\r\n");
    EXPECT_THAT(chunked, HasSubstr("first")) << path;
    EXPECT_THAT(chunked, HasSubstr("x-sum: 42")) << path;
  }
}

TEST_F(ServiceTest, AsksOthersByTheGatewaysRules) {
  const Answer allowed = post("/outgoing");
  EXPECT_EQ(allowed.status, 200) << allowed.body;
  EXPECT_EQ(allowed.body, "POST /there\na body");
  const std::string line = log_lines();
  EXPECT_THAT(line, HasSubstr("\"outgoing\":1"));
  EXPECT_THAT(line, HasSubstr("\"outgoing_bytes\":"));
  const Answer denied = ask({.target = "/outgoing", .fields = {{"x-url", "http://192.0.2.1:80/"}}});
  EXPECT_EQ(denied.status, 502);
  EXPECT_THAT(denied.body, HasSubstr("HttpRequestDenied"));
}

TEST_F(ServiceTest, SleepsOnTheWorkersLoop) {
  EXPECT_EQ(ask({.target = "/sleep?ms=20"}).body, "slept\n");
}

TEST_F(ServiceTest, OutputGoesToTheLogOfTheContainer) {
  EXPECT_EQ(ask({.target = "/result"}).status, 200);
  std::string text;
  for (int i = 0; i < 30'000 && text.find("delivered") == std::string::npos; ++i) {
    static_cast<void>(control_->status());  // goes once through the worker's loop
    text = sys::read_file(directory_ + "/rust_service.log", 1 << 20).value_or("");
  }
  EXPECT_THAT(text, HasSubstr(" stdout F delivered: Ok(())\n"));
}

struct Case {
  const char* path;
  int status;  // of a whole answer; 0: an answer that breaks off
  const char* reason;
};

constexpr Case kCases[] = {
    {"/loop", 504, "CPULimit"},     {"/yield", 504, "CPULimit"},
    {"/flood", 504, "CPULimit"},    {"/stack", 502, "Trap"},
    {"/handles", 502, "Trap"},      {"/streams", 502, "Trap"},
    {"/headers", 502, "Trap"},      {"/trap", 502, "Trap"},
    {"/trap-reading", 502, "Trap"}, {"/trap-calling", 502, "Trap"},
    {"/refuse", 502, "GuestError"}, {"/grow", 502, "MemoryLimit"},
    {"/hang", 504, "Timeout"},      {"/trap-after", 0, "Trap"},
    {"/trap-end", 0, "Trap"},       {"/truncate", 0, "BodyAbandoned"},
    {"/forget", 0, "WallLimit"},    {"/linger", 0, "WallLimit"},
    {"/drip", 0, "WallLimit"},      {"/endless", 0, "ResponseLimit"},
};

TEST_F(ServiceTest, IsStoppedAndSaidWhy) {
  serve_beside_another(kTight);
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.path);
    const Answer answer = post(one.path);
    if (one.status != 0) {
      EXPECT_EQ(answer.status, one.status) << answer.body;
      EXPECT_THAT(answer.body, HasSubstr(one.reason));
    } else {
      EXPECT_TRUE(answer.body.starts_with("broken: ")) << answer.status << " " << answer.body;
    }
    const std::string lines = log_lines();
    EXPECT_THAT(lines, HasSubstr("\"reason\":\"" + std::string(one.reason) + "\""));
    EXPECT_THAT(lines, HasSubstr("\"cpu_us\":"));
    EXPECT_EQ(ask({.target = "/good"}).status, 200);
    EXPECT_EQ(ask({.target = "/count"}).body, "1\n");
    log_lines();
  }
}

// More at a time than it may: some are refused at once, all are forgotten in the end.
TEST_F(ServiceTest, AFloodOfOutgoingRequestsIsBounded) {
  serve_beside_another(kTight);
  const Answer answer = ask({.target = "/calls", .fields = {{"x-url", url("/")}}});
  EXPECT_GE(answer.status, 500);
  EXPECT_LE(server_.connections(), kTight.outgoing);
  EXPECT_EQ(ask({.target = "/hello"}).status, 200);
}

// Sandboxes that are used again.
class ReuseTest : public ServiceTest {
 protected:
  void serve(InstanceReuse reuse, HandlerLimits limits = kLimits) {
    BackendConfig service = handler("rust_service", limits);
    std::get<HandlerBackend>(service.kind).reuse = reuse;
    std::get<HandlerBackend>(service.kind).allow_outbound = {{"http", "127.0.0.1", server_.port()}};
    serve_all(std::move(service));
  }
};

TEST_F(ReuseTest, ASandboxAnswersAsManyAsItMay) {
  serve({.requests = 3});
  net::HttpClient http = client();
  for (const char* count : {"1\n", "2\n", "3\n", "1\n", "2\n", "3\n"}) {
    EXPECT_EQ(ask(http, {.target = "/count"}).body, count);
  }
  EXPECT_THAT(log_lines(), HasSubstr("\"cpu_us\":"));
}

// While one waits for its timer, others are answered in the same sandbox.
TEST_F(ReuseTest, SeveralAtATime) {
  serve({.requests = 100, .concurrency = 8});
  EXPECT_EQ(ask({.target = "/count"}).body, "1\n");
  std::vector<std::future<Answer>> waiting;
  for (int i = 0; i < 4; ++i) {
    waiting.push_back(std::async(std::launch::async, [this, i] {
      return i % 2 == 0 ? ask({.target = "/sleep?ms=50"}) : post("/outgoing", std::to_string(i));
    }));
  }
  for (int i = 0; i < 4; ++i) {
    const Answer answer = waiting[static_cast<std::size_t>(i)].get();
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.body, i % 2 == 0 ? "slept\n" : "POST /there\n" + std::to_string(i));
  }
  EXPECT_EQ(ask({.target = "/count"}).body, "2\n");
}

TEST_F(ReuseTest, AHostileRequestCostsItsSandbox) {
  serve({.requests = 1000, .concurrency = 4}, kTight);
  for (const char* path :
       {"/trap", "/loop", "/grow", "/streams", "/drip", "/hang", "/trap-after"}) {
    SCOPED_TRACE(path);
    const Answer answer = post(path);
    EXPECT_TRUE(answer.status >= 500 || answer.body.starts_with("broken: ")) << answer.body;
    EXPECT_EQ(ask({.target = "/count"}).body, "1\n");
    EXPECT_EQ(ask({.target = "/count"}).body, "2\n");
  }
}

TEST_F(ReuseTest, AHandlerOf02CannotBeUsedAgain) {
  BackendConfig config = handler("hello_handler");
  std::get<HandlerBackend>(config.kind).reuse = {.requests = 2};
  serve_all(std::move(config));
  EXPECT_EQ(ask({}).status, 502);
  EXPECT_THAT(log_lines(), HasSubstr("HandlerNotLoaded"));
}

}  // namespace
}  // namespace duet::gateway
