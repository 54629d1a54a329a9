#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "engine/handler_driver_for_test.h"

namespace duet::engine {
namespace {

using ::testing::HasSubstr;
using Outcome = RequestEnd::Outcome;

// One host for all: whatever a guest does, the next request is served.
class HostileService : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(host_.get("/nowhere").status, 404); }

  Exchange get_with_ticks(std::string_view path, const RequestLimits& limits) {
    const auto ticker = EpochTicker::start(host_.engine, Host::options().tick_ns);
    EXPECT_TRUE(ticker.ok()) << ticker.error().message();
    return host_.get(path, limits);
  }

  Host host_{"rust_service"};
};

TEST_F(HostileService, WhoComputesForEverIsStoppedByItsBudget) {
  for (const std::string path : {"/loop", "/yield"}) {
    const Exchange exchange = get_with_ticks(path, {.cpu_budget_ns = 50'000'000});
    EXPECT_EQ(exchange.status, 0);
    EXPECT_EQ(exchange.outcome, Outcome::kCpuBudget) << path << ": " << exchange.message;
    EXPECT_THAT(exchange.message, HasSubstr("CPU budget"));
    EXPECT_GE(exchange.cpu_ns, 45'000'000U);
    EXPECT_LT(exchange.cpu_ns, 200'000'000U);
  }
}

TEST_F(HostileService, WhoComputesForEverLetsOthersHaveTheirTurn) {
  const auto ticker = EpochTicker::start(host_.engine, Host::options().tick_ns);
  ASSERT_TRUE(ticker.ok()) << ticker.error().message();
  for (const std::string path : {"/loop", "/yield"}) {
    Driver driver = host_.start(path, {.cpu_budget_ns = 0});
    for (int i = 0; i < 5; ++i) {
      driver.step();
      EXPECT_FALSE(driver.done());
      EXPECT_TRUE(driver.wait());
      EXPECT_EQ(host_.get("/nowhere").status, 404);
    }
  }
}

TEST_F(HostileService, MemoryIsBounded) {
  const Exchange exchange = host_.get("/grow", {.memory_bytes = 8 << 20});
  EXPECT_EQ(exchange.outcome, Outcome::kMemoryLimit) << exchange.message;
  EXPECT_GT(exchange.peak_memory_bytes, 6U << 20U);
  EXPECT_LE(exchange.peak_memory_bytes, 8U << 20U);
}

TEST_F(HostileService, GuestThatNeedsMoreMemoryThanItMayIsSaid) {
  EXPECT_EQ(host_.get("/hello", {.memory_bytes = 1000}).outcome, Outcome::kMemoryLimit);
}

TEST_F(HostileService, DeepRecursionTraps) {
  const Exchange exchange = host_.get("/stack");
  EXPECT_EQ(exchange.outcome, Outcome::kTrap);
  EXPECT_THAT(exchange.message, HasSubstr("wasm trap: "));
}

TEST_F(HostileService, WhatTheEngineKeepsIsBounded) {
  for (const std::string path : {"/handles", "/streams", "/tasks"}) {
    const Exchange exchange = get_with_ticks(path, {.cpu_budget_ns = 5'000'000'000});
    EXPECT_EQ(exchange.status, 0);
    EXPECT_EQ(exchange.outcome, Outcome::kTrap) << path << ": " << exchange.message;
  }
}

TEST_F(HostileService, TrapBeforeTheAnswerIsTold) {
  const Exchange exchange = host_.get("/trap");
  EXPECT_EQ(exchange.status, 0);
  EXPECT_EQ(exchange.outcome, Outcome::kTrap);
  EXPECT_THAT(exchange.message, HasSubstr("unreachable"));
}

TEST_F(HostileService, TrapWhileItReadsIsTold) {
  Driver driver = host_.start("/trap-reading", {}, {}, false, "POST");
  driver.step();
  EXPECT_FALSE(driver.done());
  driver.request().write("something");
  EXPECT_EQ(driver.finish().outcome, Outcome::kTrap);
}

TEST_F(HostileService, TrapWhileItAsksCancelsWhatItAsked) {
  constexpr std::array<Field, 1> kUrl{{{"x-url", "http://api.test/"}}};
  Driver driver = host_.start("/trap-calling", {}, kUrl);
  driver.step();
  const auto head = driver.request().next_outgoing();
  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(driver.finish().outcome, Outcome::kTrap);
  EXPECT_TRUE(driver.request().outgoing_state(head->id).cancelled());
}

TEST_F(HostileService, TrapAfterTheAnswerBreaksTheBodyOff) {
  for (const std::string path : {"/trap-after", "/trap-end"}) {
    const Exchange exchange = host_.get(path);
    EXPECT_EQ(exchange.status, 200) << path;
    EXPECT_EQ(exchange.body, "the first half\n");
    EXPECT_EQ(exchange.outcome, Outcome::kTrap) << path;
    EXPECT_TRUE(exchange.broken_off) << path;
  }
}

TEST_F(HostileService, BodyThatIsNotFinishedIsBrokenOff) {
  const Exchange exchange = host_.get("/truncate");
  EXPECT_EQ(exchange.body, "the first half\n");
  EXPECT_TRUE(exchange.broken_off);
}

// It may still come, as far as anybody can tell: only the wall clock ends it.
TEST_F(HostileService, BodyThatIsKeptOpenDoesNotEnd) {
  Driver driver = host_.start("/forget");
  driver.step();
  while (driver.wait()) {
    driver.step();
  }
  EXPECT_EQ(driver.exchange().body, "the first half\n");
  EXPECT_FALSE(driver.done());
}

TEST_F(HostileService, ErrorInsteadOfAnAnswerIsTold) {
  const Exchange exchange = host_.get("/refuse");
  EXPECT_EQ(exchange.status, 0);
  EXPECT_EQ(exchange.outcome, Outcome::kGuestError);
  EXPECT_THAT(exchange.message, HasSubstr("the guest's own words"));
}

TEST_F(HostileService, HangingGuestCanBeDropped) {
  Driver driver = host_.start("/hang");
  driver.step();
  EXPECT_FALSE(driver.done());
  const RequestUsage usage = driver.request().usage();
  EXPECT_GT(usage.cpu_ns, 0U);
  EXPECT_GE(usage.peak_memory_bytes, 64U << 10U);
}

TEST_F(HostileService, FloodOfOutputIsCutAndCounted) {
  const Exchange exchange =
      get_with_ticks("/flood", {.cpu_budget_ns = 20'000'000, .log_bytes = 10'000});
  EXPECT_EQ(exchange.outcome, Outcome::kCpuBudget);
  EXPECT_GT(exchange.log_dropped, 0U);
  EXPECT_EQ(exchange.out.size() + exchange.err.size(), 10'000U);
}

TEST_F(HostileService, FloodOfHeadersIsBounded) {
  EXPECT_EQ(host_.get("/headers").outcome, Outcome::kTrap);
}

}  // namespace
}  // namespace duet::engine
