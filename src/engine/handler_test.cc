#include "engine/handler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "engine/handler_driver_for_test.h"

namespace duet::engine {
namespace {

using ::testing::HasSubstr;
using Outcome = RequestEnd::Outcome;

TEST(Handler, AnswersWithAPoolAndWithout) {
  for (const bool pooling : {true, false}) {
    EngineOptions options = Host::options();
    options.pooling = pooling;
    Host host("hello_handler", {}, options);
    EXPECT_EQ(host.engine.pooled(), pooling);
    const Exchange exchange = host.get("/");
    EXPECT_EQ(exchange.status, 200);
    EXPECT_THAT(exchange.body, HasSubstr("hello"));
    EXPECT_EQ(exchange.outcome, Outcome::kOk);
    EXPECT_EQ(exchange.message, "");
    EXPECT_GT(exchange.cpu_ns, 0U);
    EXPECT_GT(exchange.peak_memory_bytes, 0U);
  }
}

TEST(Handler, RemembersNothingFromOneRequestToTheNext) {
  Host host("counter_handler");
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(host.get("/").body, "1\n");
  }
}

TEST(Handler, EchoesTheRequestWithItsHeadersBodyAndTrailers) {
  Host host("echo_handler");
  constexpr std::array<Field, 2> kHeaders{{{"x-one", "1"}, {"host", "hidden.test"}}};
  Driver driver = host.start("/where?a=b", {}, kHeaders, false, "POST");
  driver.step();
  EXPECT_EQ(driver.exchange().status, 200);
  EXPECT_EQ(driver.request().write("first "), 6U);
  ASSERT_TRUE(driver.wait());
  driver.step();
  EXPECT_EQ(driver.exchange().body, "first ");
  EXPECT_EQ(driver.request().write("second"), 6U);
  constexpr std::array<Field, 1> kTrailers{{{"x-sum", "42"}}};
  ASSERT_TRUE(driver.request().finish(kTrailers).ok());
  ASSERT_TRUE(driver.wait());
  const Exchange exchange = driver.finish();
  EXPECT_EQ(exchange.body, "first second");
  EXPECT_EQ(exchange.header("x-one"), "1");
  EXPECT_EQ(exchange.header("x-echo-method"), "POST");
  EXPECT_EQ(exchange.header("x-echo-path"), "/where?a=b");
  EXPECT_EQ(exchange.header("x-echo-authority"), "example.test:8080");
  EXPECT_EQ(exchange.trailers.find("x-sum")->second, "42");
  EXPECT_FALSE(exchange.broken_off);
}

TEST(Handler, GuestWaitsWhileItsBodyIsNotTaken) {
  Host host("big_body_handler");
  Driver driver = host.start("/?bytes=10000000");
  RequestEvents events = driver.request().poll();
  int polls = 1;
  while (host.engine.next_ready()) {
    events = driver.request().poll();
    ++polls;
  }
  EXPECT_LT(polls, 10);  // it fills what is buffered, and then waits
  EXPECT_TRUE(events.head());
  EXPECT_TRUE(events.body());
  EXPECT_FALSE(events.end());
  const Exchange exchange = driver.finish();
  EXPECT_EQ(exchange.body.size(), 10'000'000U);
  EXPECT_EQ(exchange.outcome, Outcome::kOk);
  EXPECT_LT(exchange.peak_memory_bytes, 4U << 20U);
}

TEST(Handler, AbortedRequestBodyIsAnErrorForTheGuest) {
  Host host("echo_handler");
  Driver driver = host.start("/", {}, {}, false, "POST");
  driver.step();
  driver.request().abort(HttpError::kConnectionTerminated);
  ASSERT_TRUE(driver.wait());
  const Exchange exchange = driver.finish();
  EXPECT_NE(exchange.outcome, Outcome::kOk);
  EXPECT_TRUE(exchange.broken_off);
}

TEST(Handler, SleepsByTheCallersClock) {
  Host host("slow_body_handler");
  Driver driver = host.start("/?n=3&ms=3600000");
  driver.step();
  while (host.engine.next_ready()) {
    driver.step();
  }
  EXPECT_EQ(driver.exchange().body, "line 1\n");
  const auto due_ns = host.engine.next_timer_ns();
  ASSERT_TRUE(due_ns.has_value());
  host.engine.fire_timers(*due_ns - 1);
  EXPECT_FALSE(host.engine.next_ready());
  EXPECT_EQ(driver.finish().body, "line 1\nline 2\nline 3\n");
  EXPECT_FALSE(host.engine.next_timer_ns());
}

TEST(Handler, SeesItsEnvironmentAndArguments) {
  Host host("environment_handler",
            {.environment = {{"COLOR", "blue"}}, .arguments = {"shop", "--fast"}});
  EXPECT_EQ(host.get("/").body, "arg 0 shop\narg 1 --fast\nCOLOR=blue\n");
}

TEST(Handler, SharesItsCodeWithOtherConfigurations) {
  Host host("environment_handler", {.environment = {{"COLOR", "blue"}}, .arguments = {}});
  {
    auto other = host.handler.share({.environment = {{"COLOR", "red"}}, .arguments = {}});
    ASSERT_TRUE(other.ok()) << other.error().message();
    auto request = HandlerRequest::start(*other, {"GET", "http", "a.test", "/", {}, true}, {}, 1);
    ASSERT_TRUE(request.ok());
    EXPECT_EQ(Driver(host.engine, std::move(request).value()).finish().body, "COLOR=red\n");
  }
  EXPECT_EQ(host.get("/").body, "COLOR=blue\n");
}

TEST(Handler, OutputGoesToTheLog) {
  Host host("writer_handler");
  const Exchange exchange = host.get("/?out=one&err=two");
  EXPECT_EQ(exchange.out, "one\n");
  EXPECT_EQ(exchange.err, "two\n");
}

TEST(Handler, DestroyedInTheMiddleFreesItsSandbox) {
  EngineOptions options = Host::options();
  options.sandbox_limit = 1;
  Host host("sleeper_handler", {}, options);
  for (int i = 0; i < 10; ++i) {
    Driver driver = host.start("/");
    driver.step();
    EXPECT_FALSE(driver.done());
  }
  EXPECT_FALSE(host.engine.next_timer_ns());
  EXPECT_EQ(host.get("/").body, "slept\n");
}

TEST(Handler, RefusesHeadsThatAreNotHttp) {
  Host host("hello_handler");
  const auto start = [&](const RequestHead& head) {
    return HandlerRequest::start(host.handler, head, {}, 1).ok();
  };
  constexpr std::array<Field, 1> kBadName{{{"x y", "1"}}};
  constexpr std::array<Field, 1> kBadValue{{{"x", "1\r\nx: 2"}}};
  EXPECT_TRUE(start({"GET", "http", "a.test", "/", {}, true}));
  EXPECT_FALSE(start({"G T", "http", "a.test", "/", {}, true}));
  EXPECT_FALSE(start({"GET", "ftp", "a.test", "/", {}, true}));
  EXPECT_FALSE(start({"GET", "http", "a b", "/", {}, true}));
  EXPECT_FALSE(start({"GET", "http", "", "/", {}, true}));
  EXPECT_FALSE(start({"GET", "http", "a.test", "/ /", {}, true}));
  EXPECT_FALSE(start({"GET", "http", "a.test", "/", kBadName, true}));
  EXPECT_FALSE(start({"GET", "http", "a.test", "/", kBadValue, true}));
}

TEST(Handler, LoadsNoProgramAndNothingForeign) {
  auto engine = std::move(Engine::create(Host::options())).value();
  const auto load = [&](const Fd& file) { return Handler::load(engine, file.get(), {}); };
  EXPECT_FALSE(load(compile_guest("hello")).ok());
  EXPECT_FALSE(load(compile_guest("rust_command")).ok());
  EXPECT_FALSE(load(memory_file("")).ok());
  EXPECT_FALSE(load(memory_file(std::string(10'000, 'x'))).ok());
  EXPECT_FALSE(Handler::load(engine, -1, {}).ok());
}

TEST(Handler, RefusesTruncatedFiles) {
  auto engine = std::move(Engine::create(Host::options())).value();
  const std::string whole = read_all(compile_guest("hello_handler").get());
  for (const std::size_t size :
       {whole.size() / 2, std::size_t{4096}, std::size_t{100}, std::size_t{63}}) {
    const Fd file = memory_file(std::string_view(whole).substr(0, size));
    EXPECT_FALSE(read_code_footer(file.get()).ok()) << size;
    EXPECT_FALSE(Handler::load(engine, file.get(), {}).ok()) << size;
  }
}

TEST(Handler, ManyAtOnceTakeTurns) {
  EngineOptions options = Host::options();
  Host host("sleeper_handler", {}, options);
  std::vector<Driver> drivers;
  for (int i = 0; i < 20; ++i) {
    drivers.push_back(host.start("/"));
    drivers.back().step();
  }
  const auto due_ns = host.engine.next_timer_ns();
  ASSERT_TRUE(due_ns.has_value());
  host.engine.fire_timers(*due_ns + 1'000'000'000);
  int ready = 0;
  while (host.engine.next_ready()) {
    ++ready;
  }
  EXPECT_EQ(ready, 20);
  for (Driver& driver : drivers) {
    EXPECT_EQ(driver.finish().body, "slept\n");
  }
}

}  // namespace
}  // namespace duet::engine
