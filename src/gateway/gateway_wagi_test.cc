#include <gmock/gmock.h>

#include "gateway/gateway_fixture_test.h"
#include "sys/file.h"

// Programs that speak CGI as handlers, through the front door of a real worker.
namespace duet::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr HandlerLimits kLimits{.cpu_ms = 50,
                                .first_byte_ms = 3'000,
                                .wall_ms = 4'000,
                                .memory_bytes = 16 << 20,
                                .response_bytes = 1 << 20};

class WagiTest : public GatewayTest {
 protected:
  void SetUp() override {
    GatewayTest::SetUp();
    RouteTable table;
    BackendConfig echo = handler("cgi_echo", {}, engine::Use::kWagi);
    std::get<HandlerBackend>(echo.kind).env = {{"GREETING", "hi"}, {"SERVER_PORT", "tcp://x"}};
    std::get<HandlerBackend>(echo.kind).args = {"echo", "word"};
    table.backends = {std::move(echo), handler("cgi_hostile", kLimits, engine::Use::kWagi),
                      handler("rust_wagi", {}, engine::Use::kWagi), handler("hello_handler")};
    const auto rule = [](PathMatch path, const char* backend) {
      return Rule{.matches = {{.path = std::move(path)}}, .backends = {{.backend = backend}}};
    };
    using Type = PathMatch::Type;
    Route route{.name = "all"};
    route.rules = {rule({Type::kPrefix, "/echo"}, "cgi_echo"),
                   rule({Type::kExact, "/exact"}, "cgi_echo"),
                   rule({Type::kRegularExpression, "/re/.*"}, "cgi_echo"),
                   rule({Type::kPrefix, "/moved"}, "cgi_echo"),
                   rule({Type::kPrefix, "/rust"}, "rust_wagi"),
                   rule({Type::kPrefix, "/good"}, "hello_handler"),
                   rule({Type::kPrefix, "/"}, "cgi_hostile")};
    route.rules[3].filters.rewrite =
        UrlRewrite{.hostname = "new.test", .path = PathModifier{.value = "/new"}};
    table.routes = {route};
    set_table(std::move(table));
  }

  std::string echo(const std::string& target) const { return ask({.target = target}).body; }
  static std::string field(const Answer& answer, std::string_view name) {
    for (const auto& [key, value] : answer.fields) {
      if (net::equals_ignoring_case(key, name)) {
        return value;
      }
    }
    return "none";
  }
  // What comes back if the guest prints `text`, where \\n, \\r and \\0 stand for bytes.
  Answer print(const std::string& text) const {
    return ask({.target = "/print", .fields = {{"x-print", text}}});
  }
};

TEST_F(WagiTest, AProgramAnswers) {
  const Answer answer = ask({.method = "POST",
                             .target = "/echo/a%20b?x=1",
                             .fields = {{"X-One", "1"}, {"Content-Type", "text/x"}},
                             .body = "the body"});
  EXPECT_EQ(answer.status, 200) << log_lines();
  EXPECT_EQ(field(answer, "content-type"), "text/plain");
  EXPECT_EQ(field(answer, "x-arguments"), "2 word");
  for (const char* line :
       {"GREETING=hi\n", "REQUEST_METHOD=POST\n", "SCRIPT_NAME=/echo\n", "PATH_INFO=/a b\n",
        "QUERY_STRING=x=1\n", "CONTENT_TYPE=text/x\n", "CONTENT_LENGTH=8\n", "HTTP_X_ONE=1\n",
        "REMOTE_ADDR=127.0.0.1\n", "HTTP_X_FORWARDED_FOR=127.0.0.1\n", "SERVER_NAME=127.0.0.1\n"}) {
    EXPECT_THAT(answer.body, HasSubstr(line));
  }
  EXPECT_THAT(answer.body, HasSubstr("SERVER_PORT=" + std::to_string(port_) + "\n"));
  EXPECT_TRUE(answer.body.ends_with("\n\nthe body")) << answer.body;
  const std::string lines = log_lines();
  EXPECT_THAT(lines, HasSubstr("\"cpu_us\":"));
  EXPECT_THAT(lines, HasSubstr("\"bytes_in\":8"));
  EXPECT_THAT(lines, Not(HasSubstr("\"reason\"")));
}

TEST_F(WagiTest, ScriptAndPathFollowTheRule) {
  EXPECT_THAT(echo("/exact?q"), HasSubstr("SCRIPT_NAME=/exact\nPATH_INFO=\n"));
  EXPECT_THAT(echo("/re/a"), HasSubstr("SCRIPT_NAME=\nPATH_INFO=/re/a\n"));
  const std::string moved = echo("/moved/a?q");
  EXPECT_THAT(moved, HasSubstr("SCRIPT_NAME=\nPATH_INFO=/new\n"));
  EXPECT_THAT(moved, HasSubstr("SERVER_NAME=new.test\n"));
  EXPECT_THAT(moved, HasSubstr("REQUEST_URI=/new?q\n"));
}

TEST_F(WagiTest, ClientsCannotSetWhatIsNotTheirs) {
  const Answer answer = ask({.target = "/echo",
                             .fields = {{"Proxy", "http://evil.test"},
                                        {"Authorization", "Basic secret"},
                                        {"X_Forwarded_For", "192.0.2.1"},
                                        {"X-Forwarded-For", "192.0.2.1"},
                                        {"Remote-User", "root"}}});
  EXPECT_THAT(answer.body, Not(HasSubstr("HTTP_PROXY")));
  EXPECT_THAT(answer.body, Not(HasSubstr("secret")));
  EXPECT_THAT(answer.body, Not(HasSubstr("192.0.2.1")));
  EXPECT_THAT(answer.body, Not(HasSubstr("\nREMOTE_USER=")));
  EXPECT_EQ(ask({.target = "/echo/%00"}).status, 400);
}

TEST_F(WagiTest, EveryRequestStartsAnew) {
  net::HttpClient http = client();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(ask(http, {.target = "/rust"}).body, "GET with 0 bytes\n");
  }
  const Answer answer =
      ask({.method = "PUT", .target = "/rust?20", .body = std::string(5000, 'x')});
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(field(answer, "x-slept"), "true");
  EXPECT_EQ(answer.body, "PUT with 5000 bytes\n");
}

// Much more than all buffers hold, in both directions at the same time, with and without a length.
TEST_F(WagiTest, BodiesStream) {
  const std::string body(4 << 20, 'x');
  const Answer answer = ask({.method = "POST", .target = "/echo", .body = body});
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.body.ends_with("\n\n" + body)) << answer.body.size();
  const std::string chunked = raw(
      "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n");
  EXPECT_THAT(chunked, Not(HasSubstr("CONTENT_LENGTH")));
  EXPECT_THAT(chunked, HasSubstr("first"));
  EXPECT_THAT(chunked, HasSubstr("second"));
}

TEST_F(WagiTest, ALargeBodyNeedNotBeRead) {
  net::HttpClient http = client();
  const Answer lazy =
      ask(http, {.method = "POST", .target = "/echo/lazy", .body = std::string(100'000, 'x')});
  EXPECT_EQ(lazy.status, 200);
  EXPECT_EQ(lazy.body, "not read\n");
  EXPECT_EQ(ask(http, {.target = "/good"}).status, 200) << "the connection is in step";
}

TEST_F(WagiTest, StandardErrorGoesToTheLog) {
  EXPECT_EQ(ask({.target = "/echo/tell"}).status, 200);
  std::string text;
  for (int i = 0; i < 30'000 && text.find("told") == std::string::npos; ++i) {
    static_cast<void>(control_->status());  // goes once through the worker's loop
    text = sys::read_file(directory_ + "/cgi_echo.log", 1 << 20).value_or("");
  }
  EXPECT_THAT(text, HasSubstr(" stderr F told on stderr\n"));
  EXPECT_THAT(text, Not(HasSubstr("stdout")));
}

TEST_F(WagiTest, HeadAndBodilessAnswers) {
  const Answer head = ask({.method = "HEAD", .target = "/echo"});
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(print("Status: 204\\n\\nbody").body, "");
  EXPECT_EQ(print("Status: 304\\n\\nbody").status, 304);
  const Answer redirect = print("Location: /there\\n\\n");
  EXPECT_EQ(redirect.status, 302);
  EXPECT_EQ(field(redirect, "location"), "/there");
}

// What a guest prints cannot become a second answer, or a field that it may not set.
TEST_F(WagiTest, NothingIsSmuggled) {
  for (const char* text : {"Content-Type: a/b\\rX-Evil: 1\\n\\n", "Content-Type: a\\0b\\n\\n",
                           "X-Evil\\r: 1\\n\\n", "Status: 200\\n X-Evil: 1\\n\\n",
                           "Status: 200\\nContent-Length: 1\\nContent-Length: 2\\n\\n",
                           "Status: 101\\nUpgrade: x\\n\\n", "HTTP/1.1 200 OK\\nX-Evil: 1\\n\\n"}) {
    const Answer answer = print(text);
    EXPECT_EQ(answer.status, 502) << text;
    EXPECT_EQ(answer.body, "502 Bad Gateway: BadAnswer\n") << text;
    EXPECT_EQ(field(answer, "x-evil"), "none") << text;
    EXPECT_THAT(log_lines(), HasSubstr("\"reason\":\"BadAnswer\",\"detail\":\"")) << text;
  }
  const Answer dropped = print(
      "Status: 200\\nTransfer-Encoding: chunked\\nConnection: x-one\\nX-One: 1\\n\\n0\\r\\n\\r\\n");
  EXPECT_EQ(dropped.status, 200);
  EXPECT_EQ(field(dropped, "connection"), "none");
  EXPECT_EQ(field(dropped, "x-one"), "1");
  EXPECT_EQ(dropped.body, "0\r\n\r\n");
  EXPECT_THAT(print("Status: 200\\nContent-Length: 9\\n\\nshort").body, HasSubstr("broken"));
  EXPECT_THAT(log_lines(), HasSubstr("BadLength"));
  EXPECT_THAT(print("Status: 200\\nContent-Length: 2\\n\\nlonger").body, HasSubstr("broken"));
}

struct Case {
  const char* path;
  int status;  // of a whole answer; 0: an answer that breaks off
  const char* reason;
};

constexpr Case kCases[] = {
    {"/loop", 504, "CPULimit"},      {"/loop-after", 0, "CPULimit"},
    {"/head", 502, "BadAnswer"},     {"/line", 502, "BadAnswer"},
    {"/body", 0, "ResponseLimit"},   {"/log", 504, "CPULimit"},
    {"/poll", 504, "CPULimit"},      {"/trap", 502, "Trap"},
    {"/trap-after", 0, "Trap"},      {"/exit", 502, "ExitCode"},
    {"/exit-after", 0, "ExitCode"},  {"/exit-whole", 502, "ExitCode"},
    {"/nothing", 502, "NoResponse"}, {"/half-head", 502, "BadAnswer"},
    {"/html", 502, "BadAnswer"},     {"/sleep", 504, "Timeout"},
    {"/drip", 0, "WallLimit"},       {"/stack", 502, "Trap"},
    {"/random", 502, "Trap"},
};

TEST_F(WagiTest, HostileProgramsAreStoppedAndSaidWhy) {
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.path);
    const Answer answer = ask({.method = "POST", .target = one.path, .body = "a body"});
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
    log_lines();
  }
  const Answer grown = ask({.target = "/grow"});
  ASSERT_EQ(grown.status, 200) << log_lines();
  EXPECT_LE(std::stoi(grown.body) * (64 << 10), kLimits.memory_bytes);
}

}  // namespace
}  // namespace duet::gateway
