#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/handler_driver_for_test.h"

// Core modules of WASI preview 1 as handlers.
namespace duet::engine {
namespace {

using ::testing::HasSubstr;
using namespace std::string_view_literals;
using Outcome = RequestEnd::Outcome;

struct CommandHost : Host {
  explicit CommandHost(std::string_view guest, const HandlerConfig& config = {},
                       const EngineOptions& engine_options = options())
      : Host(compile_guest(guest, {"--wagi"}), config, engine_options) {}
};

std::string path(std::string_view text) {
  return "PATH_INFO=/" + std::string(text) + std::string(1, '\0');
}

TEST(Command, FindsItsEnvironmentArgumentsAndInput) {
  for (const bool pooling : {true, false}) {
    EngineOptions options = Host::options();
    options.pooling = pooling;
    CommandHost host("cgi_echo", {{{"NOT", "this"}}, {"echo", "a word"}}, options);
    EXPECT_EQ(host.handler.kind(), Kind::kModuleHandler);
    Driver driver = host.start_command("ONE=1\0BYTES=\xff=\0EMPTY=\0"sv, {}, false);
    EXPECT_EQ(driver.request().write("the "), 4U);
    driver.step();
    EXPECT_EQ(driver.request().write("body"), 4U);
    ASSERT_TRUE(driver.request().finish().ok());
    const Exchange exchange = driver.finish();
    EXPECT_EQ(exchange.outcome, Outcome::kOk) << exchange.message;
    EXPECT_EQ(exchange.body,
              "Content-Type: text/plain\nX-Arguments: 2 a word\n\n"
              "ONE=1\nBYTES=\xff=\nEMPTY=\n\nthe body");
    EXPECT_FALSE(exchange.broken_off);
    EXPECT_GT(exchange.cpu_ns, 0U);
    EXPECT_GT(exchange.peak_memory_bytes, 0U);
  }
}

TEST(Command, ReadsNothingWhereThereIsNoBody) {
  CommandHost host("cgi_echo");
  const Exchange exchange = host.start_command("").finish();
  EXPECT_EQ(exchange.outcome, Outcome::kOk) << exchange.message;
  EXPECT_TRUE(exchange.body.ends_with("\n\n")) << exchange.body;
}

TEST(Command, StandardErrorIsTheLog) {
  CommandHost host("cgi_echo");
  const Exchange exchange = host.start_command(path("tell")).finish();
  EXPECT_EQ(exchange.err, "told on stderr\n");
  EXPECT_EQ(exchange.out, "");
}

TEST(Command, TakesNoMoreBodyThanTheGuestReads) {
  CommandHost host("cgi_echo");
  RequestLimits limits;
  limits.request_body_bytes = 1000;
  limits.response_chunk_bytes = 100;
  Driver driver = host.start_command("", limits, false);
  const std::string data(5000, 'x');
  EXPECT_EQ(driver.request().write(data), 1000U);
  EXPECT_EQ(driver.request().write(data), 0U);
  driver.step();
  std::size_t written = 1000;
  while (written < 100'000) {
    if (driver.step().writable()) {
      written += driver.request().write(std::string_view(data).substr(0, 100'000 - written));
      continue;
    }
    ASSERT_TRUE(driver.wait());
  }
  ASSERT_TRUE(driver.request().finish().ok());
  const Exchange exchange = driver.finish();
  EXPECT_EQ(exchange.outcome, Outcome::kOk) << exchange.message;
  EXPECT_TRUE(exchange.body.ends_with("\n\n" + std::string(100'000, 'x')));
}

TEST(Command, WaitsWhileItsOutputIsNotTaken) {
  CommandHost host("cgi_hostile");
  RequestLimits limits;
  limits.response_chunk_bytes = 10'000;
  Driver driver = host.start_command(path("body"), limits);
  driver.request().poll();
  int polls = 1;
  while (host.engine.next_ready()) {
    driver.request().poll();
    ++polls;
  }
  EXPECT_LT(polls, 10);
  std::size_t waiting = 0;
  for (Frame frame = driver.request().read(); frame.kind == Frame::Kind::kData;
       frame = driver.request().read()) {
    waiting += frame.data.size();
  }
  EXPECT_EQ(waiting, 20'000U) << "what was looked at, and as much that is written";
  EXPECT_TRUE(driver.wait()) << "there is room again";
}

TEST(Command, InputThatBreaksOffIsAnError) {
  CommandHost host("cgi_echo");
  Driver driver = host.start_command("", {}, false);
  driver.step();
  driver.request().abort(HttpError::kConnectionTerminated);
  const Exchange exchange = driver.finish();
  EXPECT_EQ(exchange.outcome, Outcome::kExit);
  EXPECT_TRUE(exchange.broken_off);
}

TEST(Command, EndsAreTold) {
  struct Case {
    const char* path;
    Outcome outcome;
    const char* message;
    bool broken_off;
  };
  const Case cases[] = {
      {"exit", Outcome::kExit, "exited with code 3", true},
      {"exit-whole", Outcome::kExit, "exited with code 3", true},
      {"trap", Outcome::kTrap, "unreachable", true},
      {"trap-after", Outcome::kTrap, "unreachable", true},
      {"stack", Outcome::kTrap, "call stack exhausted", true},
      {"random", Outcome::kTrap, "exceeds limit", true},
      {"nothing", Outcome::kOk, "", false},
      {"deaf", Outcome::kOk, "", false},
  };
  CommandHost host("cgi_hostile");
  for (const Case& one : cases) {
    SCOPED_TRACE(one.path);
    const Exchange exchange = host.start_command(path(one.path)).finish();
    EXPECT_EQ(exchange.outcome, one.outcome) << exchange.message;
    EXPECT_THAT(exchange.message, HasSubstr(one.message));
    EXPECT_EQ(exchange.broken_off, one.broken_off);
  }
}

TEST(Command, BudgetsHold) {
  CommandHost host("cgi_hostile");
  const auto ticker = EpochTicker::start(host.engine, Host::options().tick_ns);
  ASSERT_TRUE(ticker.ok()) << ticker.error().message();
  RequestLimits limits;
  limits.cpu_budget_ns = 30'000'000;
  limits.log_bytes = 10'000;
  for (const char* what : {"loop", "log", "poll", "loop-after"}) {
    SCOPED_TRACE(what);
    const Exchange exchange = host.start_command(path(what), limits).finish();
    EXPECT_EQ(exchange.outcome, Outcome::kCpuBudget) << exchange.message;
    EXPECT_LE(exchange.err.size(), 10'000U);
    EXPECT_EQ(exchange.log_dropped > 0, what == "log"sv);
  }
  limits.memory_bytes = 8 << 20;
  const Exchange grown = host.start_command(path("grow"), limits).finish();
  EXPECT_EQ(grown.outcome, Outcome::kOk) << grown.message;
  EXPECT_GT(grown.peak_memory_bytes, 6U << 20U);
  EXPECT_LE(grown.peak_memory_bytes, 8U << 20U);
  limits.memory_bytes = 1000;
  EXPECT_EQ(host.start_command(path("deaf"), limits).finish().outcome, Outcome::kMemoryLimit);
}

TEST(Command, SleepsOnTheCallersClock) {
  CommandHost host("cgi_hostile");
  Driver driver = host.start_command(path("drip"));
  for (int i = 0; i < 5; ++i) {
    driver.step();
    EXPECT_FALSE(host.engine.next_ready());
    const auto due_ns = host.engine.next_timer_ns();
    ASSERT_TRUE(due_ns);
    // The timer looks at the clock too: it is due when the caller says so.
    host.engine.fire_timers(*due_ns);
    ASSERT_TRUE(host.engine.next_ready());
  }
  EXPECT_GE(driver.exchange().body.size(), 28U);
  EXPECT_FALSE(driver.done());
}

TEST(Command, RustRunsToo) {
  CommandHost host("rust_wagi");
  Driver driver = host.start_command("REQUEST_METHOD=PUT\0QUERY_STRING=20\0"sv, {}, false);
  EXPECT_EQ(driver.request().write("12345"), 5U);
  ASSERT_TRUE(driver.request().finish().ok());
  const Exchange exchange = driver.finish();
  EXPECT_EQ(exchange.outcome, Outcome::kOk) << exchange.message;
  EXPECT_THAT(exchange.body, HasSubstr("PUT with 5 bytes\n"));
  EXPECT_EQ(host.start_command("QUERY_STRING=exit\0"sv).finish().message,
            "the guest exited with code 7");
  EXPECT_EQ(host.start_command("QUERY_STRING=panic\0"sv).finish().outcome, Outcome::kTrap);
}

// What reaches into the guest's memory stays within it, whatever the guest says.
TEST(Command, AddressesAreHeldAgainstTheMemory) {
  const auto run = [](const std::string& body) {
    const std::string text = R"((module
      (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "\f0\ff\00\00\20\00\00\00")    ;; a piece that ends beyond the memory
      (data (i32.const 8) "\f0\ff\ff\ff\20\00\00\00")    ;; one whose end is no address
      (data (i32.const 100) "\07\00\00\00\00\00\00\00\09") ;; a subscription of no kind
      (func (export "_start") (call $exit )" +
                             body + ")))";
    const Fd wasm = memory_file(wasm_from_text(text));
    CompilerRun compiled = run_compiler(wasm.get(), {"--wagi"});
    EXPECT_EQ(compiled.exit_code, 0) << compiled.errors;
    Host host(std::move(compiled.output), {}, Host::options());
    return host.start_command("A=1\0"sv).finish().message;
  };
  constexpr const char* kFault = "the guest exited with code 21";
  constexpr const char* kInvalid = "the guest exited with code 28";
  EXPECT_EQ(run("(call $sizes (i32.const 65533) (i32.const 0))"), kFault);
  EXPECT_EQ(run("(call $sizes (i32.const 0) (i32.const -1))"), kFault);
  EXPECT_EQ(run("(call $environ (i32.const 65533) (i32.const 0))"), kFault);
  EXPECT_EQ(run("(call $environ (i32.const 0) (i32.const 65533))"), kFault);
  for (const char* call : {"$read (i32.const 0)", "$write (i32.const 1)", "$write (i32.const 2)"}) {
    const std::string begin = std::string("(call ") + call;
    EXPECT_EQ(run(begin + "(i32.const 0) (i32.const 1) (i32.const 200))"), kFault) << call;
    EXPECT_EQ(run(begin + "(i32.const 8) (i32.const 1) (i32.const 200))"), kFault) << call;
    EXPECT_EQ(run(begin + "(i32.const -4) (i32.const 1) (i32.const 200))"), kFault) << call;
    EXPECT_EQ(run(begin + "(i32.const 300) (i32.const 1) (i32.const -2))"), kFault) << call;
  }
  EXPECT_EQ(run("(call $read (i32.const 1) (i32.const 300) (i32.const 1) (i32.const 200))"),
            "the guest exited with code 8");
  EXPECT_EQ(run("(call $poll (i32.const -40) (i32.const 0) (i32.const 1) (i32.const 200))"),
            kFault);
  EXPECT_EQ(run("(call $poll (i32.const 300) (i32.const -8) (i32.const 1) (i32.const 200))"),
            kFault);
  EXPECT_EQ(run("(call $poll (i32.const 100) (i32.const 0) (i32.const 1) (i32.const 200))"),
            kInvalid);
  EXPECT_EQ(run("(call $poll (i32.const 300) (i32.const 0) (i32.const 0) (i32.const 200))"),
            kInvalid);
  EXPECT_EQ(run("(call $poll (i32.const 300) (i32.const 0) (i32.const -1) (i32.const 200))"),
            kInvalid);
}

TEST(Command, CodeIsForOneUse) {
  auto engine = Engine::create(Host::options());
  ASSERT_TRUE(engine.ok());
  const auto refused = Handler::load(*engine, compile_guest("cgi_echo").get(), {});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message(), HasSubstr("core module program"));
  const Fd component(open(guest_path("hello_handler").c_str(), O_RDONLY | O_CLOEXEC));
  const CompilerRun run = run_compiler(component.get(), {"--wagi"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.errors, HasSubstr("WAGI is for core modules with _start"));
  CommandHost host("cgi_echo");
  EXPECT_FALSE(
      HandlerRequest::start(host.handler, {"GET", "http", "a.test", "/", {}, true}, {}, 7).ok());
  Host other("hello_handler");
  EXPECT_FALSE(HandlerRequest::start_command(other.handler, {"", true}, {}, 7).ok());
}

TEST(Command, CheckedCodeRunsWithoutReservations) {
  EngineOptions options = Host::options();
  options.bounds = Bounds::kChecked;
  Host host(compile_guest("cgi_echo", {"--wagi", "--bounds", "checked"}), {}, options);
  EXPECT_EQ(host.start_command("ONE=1\0"sv).finish().outcome, Outcome::kOk);
}

}  // namespace
}  // namespace duet::engine
