#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "engine/handler_driver_for_test.h"

// Components of WASI 0.3 as handlers.
namespace duet::engine {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Outcome = RequestEnd::Outcome;

TEST(Service, IsRecognisedAndHasAKeyOfItsOwn) {
  const Fd code = compile_guest("rust_service");
  const auto footer = read_code_footer(code.get());
  ASSERT_TRUE(footer.ok()) << footer.error().message();
  EXPECT_EQ(footer->kind, Kind::kAsyncHandler);
  EXPECT_EQ(footer->compatibility_key, engine_compatibility_key(Kind::kAsyncHandler).value());
  EXPECT_NE(footer->compatibility_key, engine_compatibility_key(Kind::kHandler).value());
  EXPECT_NE(footer->compatibility_key,
            engine_compatibility_key(Kind::kAsyncHandler, Bounds::kChecked).value());
}

TEST(Service, AnswersWithAPoolAndWithoutAndWithCheckedBounds) {
  for (const auto& [pooling, bounds] :
       {std::pair{true, Bounds::kGuarded}, std::pair{false, Bounds::kGuarded},
        std::pair{false, Bounds::kChecked}}) {
    EngineOptions options = Host::options();
    options.pooling = pooling;
    options.bounds = bounds;
    Host host(compile_guest("rust_service",
                            {"--bounds", bounds == Bounds::kChecked ? "checked" : "guarded"}),
              {}, options);
    const Exchange exchange = host.get("/hello");
    EXPECT_EQ(exchange.status, 200);
    EXPECT_EQ(exchange.body, "hello from duet\n");
    EXPECT_EQ(exchange.outcome, Outcome::kOk) << exchange.message;
    EXPECT_GT(exchange.cpu_ns, 0U);
    EXPECT_GT(exchange.peak_memory_bytes, 0U);
    EXPECT_FALSE(exchange.broken_off);
  }
}

TEST(Service, WorksBesideAHandlerOf02) {
  Host host("hello_handler");
  const Fd code = compile_guest("rust_service");
  auto service = Handler::load(host.engine, code.get(), {});
  ASSERT_TRUE(service.ok()) << service.error().message();
  EXPECT_EQ(service->kind(), Kind::kAsyncHandler);
  auto request =
      HandlerRequest::start(*service, {"GET", "http", "a.test", "/hello", {}, true}, {}, 1);
  ASSERT_TRUE(request.ok());
  Driver driver(host.engine, std::move(request).value());
  driver.step();
  EXPECT_EQ(host.get("/").status, 200);
  EXPECT_EQ(driver.finish().body, "hello from duet\n");
}

// All that needs one host.
class ServiceRequest : public ::testing::Test {
 protected:
  Host host_{"rust_service", {.environment = {{"GREETING", "good day"}}, .arguments = {}}};
};

TEST_F(ServiceRequest, RemembersNothingFromOneToTheNext) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(host_.get("/count").body, "1\n");
  }
}

TEST_F(ServiceRequest, SeesItsEnvironment) { EXPECT_EQ(host_.get("/env").body, "good day"); }

TEST_F(ServiceRequest, StreamsBothWaysWithTrailers) {
  for (const std::string path : {"/echo", "/pass"}) {
    Driver driver = host_.start(path, {}, {}, false, "POST");
    driver.step();
    EXPECT_EQ(driver.request().write("first "), 6U);
    while (driver.exchange().body != "first ") {
      ASSERT_TRUE(driver.wait()) << path;
      driver.step();
    }
    EXPECT_EQ(driver.exchange().status, 200);
    EXPECT_EQ(driver.request().write("second"), 6U);
    constexpr std::array<Field, 1> kTrailers{{{"x-sum", "42"}}};
    ASSERT_TRUE(driver.request().finish(kTrailers).ok());
    const Exchange exchange = driver.finish();
    EXPECT_EQ(exchange.body, "first second") << path;
    ASSERT_EQ(exchange.trailers.count("x-sum"), 1U) << path;
    EXPECT_EQ(exchange.trailers.find("x-sum")->second, "42");
    EXPECT_FALSE(exchange.broken_off);
    EXPECT_EQ(exchange.outcome, Outcome::kOk) << exchange.message;
  }
}

TEST_F(ServiceRequest, GuestWaitsWhileItsBodyIsNotTaken) {
  Driver driver = host_.start("/endless", {.cpu_budget_ns = 0});
  driver.request().poll();
  int polls = 1;
  while (host_.engine.next_ready()) {
    driver.request().poll();
    ASSERT_LT(++polls, 20);  // it fills what is buffered, and then waits
  }
  EXPECT_LT(driver.request().usage().peak_memory_bytes, 8U << 20U);
}

TEST_F(ServiceRequest, BodyThatIsBrokenOffIsAnErrorForTheGuest) {
  for (const std::string path : {"/echo", "/pass"}) {
    Driver driver = host_.start(path, {}, {}, false, "POST");
    driver.step();
    driver.request().write("part");
    driver.request().abort(HttpError::kConnectionTerminated);
    const Exchange exchange = driver.finish();
    EXPECT_EQ(exchange.body, "part") << path;
    EXPECT_TRUE(exchange.broken_off) << path;
  }
}

TEST_F(ServiceRequest, SleepsByTheCallersClock) {
  Driver driver = host_.start("/sleep?ms=3600000");
  driver.step();
  while (host_.engine.next_ready()) {
    driver.step();
  }
  EXPECT_EQ(driver.exchange().status, 0);
  const auto due_ns = host_.engine.next_timer_ns();
  ASSERT_TRUE(due_ns.has_value());
  host_.engine.fire_timers(*due_ns - 1);
  EXPECT_FALSE(host_.engine.next_ready());
  EXPECT_EQ(driver.finish().body, "slept\n");
  EXPECT_FALSE(host_.engine.next_timer_ns());
}

TEST_F(ServiceRequest, DoesTwoThingsAtATime) {
  Driver driver = host_.start("/both", {}, {}, false, "POST");
  driver.step();
  driver.request().write("some");
  driver.step();
  ASSERT_TRUE(driver.wait());  // for the timer: it fires while the body is not there
  driver.step();
  while (host_.engine.next_timer_ns()) {
    ASSERT_TRUE(driver.wait());
    driver.step();
  }
  driver.request().write("body");
  ASSERT_TRUE(driver.request().finish().ok());
  EXPECT_EQ(driver.finish().body, "8 bytes, waited: true\n");
}

TEST_F(ServiceRequest, HearsThatItsAnswerWasDelivered) {
  const Exchange exchange = host_.get("/result");
  EXPECT_EQ(exchange.body, "to be delivered\n");
  EXPECT_EQ(exchange.out, "delivered: Ok(())\n");
}

TEST_F(ServiceRequest, DestroyedInTheMiddleFreesItsSandbox) {
  EngineOptions options = Host::options();
  options.sandbox_limit = 1;
  Host host("rust_service", {}, options);
  for (const std::string path : {"/hang", "/drip", "/linger", "/forget", "/outgoing"}) {
    constexpr std::array<Field, 1> kUrl{{{"x-url", "http://api.test/"}}};
    Driver driver = host.start(path, {}, kUrl);
    driver.step();
    driver.step();
    EXPECT_FALSE(driver.done()) << path << driver.exchange().message;
  }
  EXPECT_FALSE(host.engine.next_timer_ns());
  EXPECT_EQ(host.get("/hello").status, 200);
}

// Outgoing requests.

OutgoingHead next_outgoing(Driver& driver) {
  const RequestEvents events = driver.step();
  EXPECT_TRUE(events.outgoing());
  auto head = driver.request().next_outgoing();
  EXPECT_TRUE(head.has_value());
  return *head;
}

constexpr std::array<Field, 1> kUrl{{{"x-url", "https://api.test:8443/items?x=1"}}};

TEST_F(ServiceRequest, AsksOthers) {
  Driver driver = host_.start("/outgoing", {}, kUrl);
  const OutgoingHead head = next_outgoing(driver);
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.scheme, "https");
  EXPECT_EQ(head.authority, "api.test:8443");
  EXPECT_EQ(head.path_with_query, "/items?x=1");
  EXPECT_FALSE(driver.request().next_outgoing());
  ASSERT_TRUE(driver.request().respond_outgoing(head.id, 203, {}, false).ok());
  EXPECT_EQ(driver.request().write_outgoing(head.id, "an answer"), 9U);
  constexpr std::array<Field, 1> kTrailers{{{"x-sum", "42"}}};
  ASSERT_TRUE(driver.request().finish_outgoing(head.id, kTrailers).ok());
  const Exchange exchange = driver.finish();
  EXPECT_EQ(exchange.status, 203);
  EXPECT_EQ(exchange.body, "an answer");
  EXPECT_EQ(exchange.trailers.count("x-sum"), 1U);
  driver.request().close_outgoing(head.id);
}

TEST_F(ServiceRequest, StreamsWhatItAsks) {
  Driver driver = host_.start("/outgoing", {}, kUrl, false, "POST");
  const OutgoingHead head = next_outgoing(driver);
  EXPECT_EQ(head.method, "POST");
  const std::string data(200'000, 'y');
  std::size_t written = driver.request().write(data);
  std::string body;
  while (body.size() < data.size()) {
    for (Frame frame;
         (frame = driver.request().read_outgoing(head.id)).kind == Frame::Kind::kData;) {
      body += frame.data;
    }
    written += driver.request().write(std::string_view(data).substr(written));
    if (body.size() < data.size() && written == data.size()) {
      ASSERT_TRUE(driver.request().finish().ok());
    }
    driver.step();
  }
  EXPECT_EQ(body, data);
  ASSERT_TRUE(driver.request().respond_outgoing(head.id, 204, {}, true).ok());
  EXPECT_EQ(driver.finish().status, 204);
}

TEST_F(ServiceRequest, DenialReachesTheGuestAsAnError) {
  Driver driver = host_.start("/outgoing", {}, kUrl);
  const OutgoingHead head = next_outgoing(driver);
  driver.request().fail_outgoing(head.id, HttpError::kRequestDenied);
  driver.request().close_outgoing(head.id);
  const Exchange exchange = driver.finish();
  EXPECT_EQ(exchange.status, 502);
  EXPECT_THAT(exchange.body, HasSubstr("HttpRequestDenied"));
}

TEST_F(ServiceRequest, BrokenAnswerBreaksTheGuestsAnswer) {
  Driver driver = host_.start("/outgoing", {}, kUrl);
  const OutgoingHead head = next_outgoing(driver);
  ASSERT_TRUE(driver.request().respond_outgoing(head.id, 200, {}, false).ok());
  driver.request().write_outgoing(head.id, "part");
  driver.request().fail_outgoing(head.id, HttpError::kConnectionTerminated);
  const Exchange exchange = driver.finish();
  EXPECT_EQ(exchange.body, "part");
  EXPECT_TRUE(exchange.broken_off);
}

TEST_F(ServiceRequest, MoreOutgoingRequestsThanItMayFailAtOnce) {
  RequestLimits limits;
  limits.outgoing_limit = 0;
  const Exchange exchange = host_.get("/outgoing", limits, kUrl);
  EXPECT_EQ(exchange.status, 502);
  EXPECT_THAT(exchange.body, HasSubstr("ConnectionLimitReached"));
}

}  // namespace
}  // namespace duet::engine
