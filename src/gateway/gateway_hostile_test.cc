#include <fcntl.h>
#include <unistd.h>

#include "base/sanitized.h"
#include "gateway/gateway_fixture_test.h"
#include "sys/file.h"

// Every way in which a guest can misbehave, through the front door of a real worker: the answer,
// the reason in the log, and a good handler beside it.
namespace duet::gateway {
namespace {

// What the host does for a guest counts as well, and instrumented it takes several times as long: a
// byte sent every 10 ms would use up the CPU time before the wall time.
constexpr HandlerLimits kLimits{.cpu_ms = kSanitized ? 200 : 50,
                                .first_byte_ms = 3'000,
                                .wall_ms = 4'000,
                                .memory_bytes = 16 << 20,
                                .table_elements = 10'000,
                                .response_bytes = 1 << 20,
                                .outgoing = 8,
                                .outgoing_concurrent = 4};

class HostileTest : public GatewayTest {
 protected:
  void SetUp() override {
    GatewayTest::SetUp();
    RouteTable table;
    Route route{.name = "all"};
    for (const char* guest :
         {"hostile_handler", "start_loops_handler", "start_traps_handler", "grow_table_handler"}) {
      BackendConfig config = handler(guest, kLimits);
      std::get<HandlerBackend>(config.kind).allow_outbound = {
          {"http", "127.0.0.1", server_.port()}};
      table.backends.push_back(std::move(config));
    }
    table.backends.push_back(handler("hello_handler"));
    const auto rule = [](const char* prefix, const char* backend) {
      return Rule{.matches = {{.path = {PathMatch::Type::kPrefix, prefix}}},
                  .backends = {{.backend = backend}}};
    };
    route.rules = {rule("/good", "hello_handler"), rule("/start-loops", "start_loops_handler"),
                   rule("/start-traps", "start_traps_handler"),
                   rule("/tables", "grow_table_handler"), rule("/", "hostile_handler")};
    table.routes = {route};
    set_table(std::move(table));
  }

  Answer misbehave(const std::string& path) const {
    const std::string url = "http://127.0.0.1:" + std::to_string(server_.port()) + "/";
    return ask({.method = "POST", .target = path, .fields = {{"x-url", url}}, .body = "a body"});
  }

  TestServer server_{[](net::ServerConnection& connection) { serve_echo(connection); }};
};

struct Case {
  const char* path;
  int status;  // of a whole answer; 0: an answer that breaks off
  const char* reason;
};

constexpr Case kCases[] = {
    {"/loop", 504, "CPULimit"},        {"/alloc-loop", 504, "CPULimit"},
    {"/start-loops", 504, "CPULimit"}, {"/flood", 504, "CPULimit"},
    {"/calls", 502, "Trap"},           {"/stack", 502, "Trap"},
    {"/handles", 502, "Trap"},         {"/trap", 502, "Trap"},
    {"/alloc-trap", 502, "Trap"},      {"/start-traps", 502, "Trap"},
    {"/trap-reading", 502, "Trap"},    {"/trap-calling", 502, "Trap"},
    {"/nothing", 502, "NoResponse"},   {"/refuse", 502, "GuestError"},
    {"/hang", 504, "Timeout"},         {"/trap-after", 0, "Trap"},
    {"/trap-end", 0, "Trap"},          {"/truncate", 0, "BodyAbandoned"},
    {"/abandon", 0, "BodyAbandoned"},  {"/linger", 0, "WallLimit"},
    {"/drip", 0, "WallLimit"},         {"/endless", 0, "ResponseLimit"},
};

TEST_F(HostileTest, IsStoppedAndSaidWhy) {
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.path);
    const Answer answer = misbehave(one.path);
    if (one.status != 0) {
      EXPECT_EQ(answer.status, one.status) << answer.body;
      EXPECT_NE(answer.body.find(one.reason), std::string::npos) << answer.body;
    } else {
      EXPECT_TRUE(answer.body.starts_with("broken: ")) << answer.status << " " << answer.body;
    }
    const std::string lines = log_lines();
    EXPECT_NE(lines.find("\"reason\":\"" + std::string(one.reason) + "\""), std::string::npos)
        << lines;
    EXPECT_NE(lines.find("\"cpu_us\":"), std::string::npos) << lines;
    EXPECT_EQ(ask({.target = "/good"}).status, 200);
    log_lines();
  }
}

TEST_F(HostileTest, GrowthIsRefusedAndTheGuestGoesOn) {
  const Answer memory = misbehave("/grow");
  EXPECT_EQ(memory.status, 200) << memory.body;
  EXPECT_LE(std::stoi(memory.body) * (64 << 10), kLimits.memory_bytes);
  EXPECT_GT(std::stoi(memory.body) * (64 << 10), kLimits.memory_bytes / 2);
  const Answer tables = misbehave("/tables");
  ASSERT_EQ(tables.status, 200) << log_lines();
  EXPECT_LE(std::stoi(tables.body), kLimits.table_elements);
  EXPECT_GT(std::stoi(tables.body), kLimits.table_elements / 2);
}

TEST_F(HostileTest, OutputIsBoundedInAll) {
  EXPECT_EQ(misbehave("/flood").status, 504);
  const std::string path = directory_ + "/hostile_handler.log";
  std::string text;
  for (int i = 0; i < 30'000 && text.find("output dropped") == std::string::npos; ++i) {
    static_cast<void>(control_->status());  // goes once through the worker's loop
    if (auto read = sys::read_file(path, 16 << 20); read.ok()) {
      text = *read;
    }
  }
  EXPECT_NE(text.find("duet.edge/max-log-bytes"), std::string::npos);
  // Lines are stamped, and a line of 64 bytes nearly doubles by it.
  EXPECT_LT(text.size(), static_cast<std::size_t>(2 * kLimits.log_bytes));
}

// Code that is none: its own requests fail, and nobody else's.
TEST_F(GatewayTest, AHandlerThatCannotBeLoadedFailsAlone) {
  const std::string path = directory_ + "/garbage";
  ASSERT_TRUE(sys::write_file(path, "no compiled code").ok());
  const sys::Fd file = std::move(*sys::open_file(path, O_RDONLY));
  ASSERT_TRUE(control_->add_code("garbage", file.get()).ok());
  RouteTable table;
  table.routes = {{.name = "all",
                   .rules = {{.matches = {{.path = {PathMatch::Type::kPrefix, "/good"}}},
                              .backends = {{.backend = "hello_handler"}}},
                             {.backends = {{.backend = "broken"}}}}}};
  table.backends = {handler("hello_handler"), {"broken", HandlerBackend{.code = "garbage"}}};
  set_table(std::move(table));
  EXPECT_EQ(ask({.target = "/good"}).status, 200);
  EXPECT_EQ(ask({}).body, "502 Bad Gateway: HandlerNotLoaded\n");
}

// A run of hostile requests leaves nothing behind: what the first rounds took is enough for all.
TEST_F(HostileTest, NoMemoryIsLost) {
  if (kSanitized) {
    GTEST_SKIP() << "sanitizers keep what was freed, and find leaks by themselves";
  }
  const auto resident_kb = [] {
    const std::string text = sys::read_file("/proc/self/statm", 4096).value_or("0 0");
    return std::stol(text.substr(text.find(' '))) * (sysconf(_SC_PAGESIZE) / 1024);
  };
  const auto round = [this] {
    for (const char* path : {"/trap", "/trap-after", "/trap-reading", "/handles", "/headers",
                             "/nothing", "/grow", "/stack", "/truncate", "/good"}) {
      misbehave(path);
    }
    log_lines();
  };
  for (int i = 0; i < 10; ++i) {
    round();
  }
  const long before_kb = resident_kb();
  for (int i = 0; i < 30; ++i) {
    round();
  }
  EXPECT_LT(resident_kb() - before_kb, 8 << 10);
}

}  // namespace
}  // namespace duet::gateway
