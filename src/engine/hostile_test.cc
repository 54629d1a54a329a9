#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/handler_driver_for_test.h"

namespace duet::engine {
namespace {

using ::testing::HasSubstr;
using Outcome = RequestEnd::Outcome;

// One host for all: whatever a guest does, the next request is served.
class Hostile : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(host_.get("/nowhere").status, 404); }

  Host host_{"hostile_handler"};
};

TEST_F(Hostile, EndlessLoopIsStoppedByItsBudget) {
  const auto ticker = EpochTicker::start(host_.engine, Host::options().tick_ns);
  ASSERT_TRUE(ticker.ok()) << ticker.error().message();
  RequestLimits limits;
  limits.cpu_budget_ns = 50'000'000;
  const Exchange exchange = host_.get("/loop", limits);
  EXPECT_EQ(exchange.status, 0);
  EXPECT_EQ(exchange.outcome, Outcome::kCpuBudget);
  EXPECT_THAT(exchange.message, HasSubstr("CPU budget"));
  EXPECT_GE(exchange.cpu_ns, 45'000'000U);
  EXPECT_LT(exchange.cpu_ns, 200'000'000U);
}

TEST_F(Hostile, EndlessLoopLetsOthersHaveTheirTurn) {
  const auto ticker = EpochTicker::start(host_.engine, Host::options().tick_ns);
  ASSERT_TRUE(ticker.ok()) << ticker.error().message();
  RequestLimits limits;
  limits.cpu_budget_ns = 0;
  Driver driver = host_.start("/loop", limits);
  for (int i = 0; i < 5; ++i) {
    driver.step();
    EXPECT_FALSE(driver.done());
    EXPECT_TRUE(driver.wait());
    EXPECT_EQ(host_.get("/nowhere").status, 404);
  }
}

TEST_F(Hostile, ATurnCanBeShorterThanATick) {
  constexpr std::uint64_t kHourNs = 3'600'000'000'000;
  const auto ticker = EpochTicker::start(host_.engine, kHourNs);
  ASSERT_TRUE(ticker.ok()) << ticker.error().message();
  Driver driver = host_.start("/loop", {.cpu_budget_ns = 0});
  ticker->end_epochs(1'000'000);
  for (int i = 0; i < 5; ++i) {
    driver.step();  // would not come back
    EXPECT_FALSE(driver.done());
  }
}

TEST_F(Hostile, WhoComputesLongComesAfterOthers) {
  const auto ticker = EpochTicker::start(host_.engine, Host::options().tick_ns);
  ASSERT_TRUE(ticker.ok()) << ticker.error().message();
  Driver seen = host_.start("/loop", {.cpu_budget_ns = 0});
  ticker->end_epochs(1'000'000);
  seen.step();
  EXPECT_FALSE(host_.engine.next_ready());
  EXPECT_TRUE(host_.engine.next_slow());
  // What is known needs not be seen again; and nothing of it ran yet.
  Driver known = host_.start("/loop", {.cpu_budget_ns = 0, .computes_long = true});
  EXPECT_FALSE(host_.engine.next_ready());
  EXPECT_TRUE(host_.engine.next_slow());
}

TEST_F(Hostile, SoDoesWhoComputesLongInAll) {
  constexpr std::uint64_t kSecondNs = 1'000'000'000;
  Driver driver = host_.start("/endless", {.cpu_budget_ns = 0});
  driver.step();
  while (host_.engine.next_ready()) {
    ASSERT_LT(driver.request().usage().cpu_ns, kSecondNs) << "it would go first for ever";
    driver.step();
  }
  EXPECT_TRUE(host_.engine.next_slow());
  EXPECT_GE(driver.request().usage().cpu_ns, 1'000'000U);
}

TEST_F(Hostile, MemoryIsBounded) {
  RequestLimits limits;
  limits.memory_bytes = 8 << 20;
  const Exchange exchange = host_.get("/grow", limits);
  EXPECT_EQ(exchange.status, 200);
  EXPECT_LE(std::stoi(exchange.body) * (64 << 10), 8 << 20);
  EXPECT_GT(exchange.peak_memory_bytes, 6U << 20U);
  EXPECT_LE(exchange.peak_memory_bytes, 8U << 20U);
}

TEST_F(Hostile, GuestThatNeedsMoreMemoryThanItMayIsSaid) {
  RequestLimits limits;
  limits.memory_bytes = 1000;
  const Exchange exchange = host_.get("/", limits);
  EXPECT_EQ(exchange.outcome, Outcome::kMemoryLimit);
}

TEST_F(Hostile, DeepRecursionTraps) {
  const Exchange exchange = host_.get("/stack");
  EXPECT_EQ(exchange.outcome, Outcome::kTrap);
  EXPECT_THAT(exchange.message, HasSubstr("wasm trap: "));
}

TEST_F(Hostile, HandlesAreBounded) {
  const Exchange exchange = host_.get("/handles");
  EXPECT_EQ(exchange.outcome, Outcome::kTrap);
}

TEST_F(Hostile, TrapBeforeTheAnswerIsTold) {
  const Exchange exchange = host_.get("/trap");
  EXPECT_EQ(exchange.status, 0);
  EXPECT_EQ(exchange.outcome, Outcome::kTrap);
  EXPECT_THAT(exchange.message, HasSubstr("unreachable"));
}

TEST_F(Hostile, TrapAfterTheAnswerBreaksTheBodyOff) {
  const Exchange exchange = host_.get("/trap-after");
  EXPECT_EQ(exchange.status, 200);
  EXPECT_EQ(exchange.body, "the first half\n");
  EXPECT_TRUE(exchange.broken_off);
  EXPECT_EQ(exchange.outcome, Outcome::kTrap);
}

TEST_F(Hostile, BodyThatIsNotFinishedIsBrokenOff) {
  const Exchange exchange = host_.get("/truncate");
  EXPECT_EQ(exchange.body, "the first half\n");
  EXPECT_TRUE(exchange.broken_off);
}

TEST_F(Hostile, NoAnswerIsTold) {
  const Exchange exchange = host_.get("/nothing");
  EXPECT_EQ(exchange.status, 0);
  EXPECT_EQ(exchange.outcome, Outcome::kNoResponse);
}

TEST_F(Hostile, ErrorInsteadOfAnAnswerIsTold) {
  const Exchange exchange = host_.get("/refuse");
  EXPECT_EQ(exchange.status, 0);
  EXPECT_EQ(exchange.outcome, Outcome::kGuestError);
  EXPECT_THAT(exchange.message, HasSubstr("ConfigurationError"));
}

TEST_F(Hostile, HangingGuestCanBeDropped) {
  Driver driver = host_.start("/hang");
  driver.step();
  EXPECT_FALSE(driver.done());
  const RequestUsage usage = driver.request().usage();
  EXPECT_GT(usage.cpu_ns, 0U);
  EXPECT_GE(usage.peak_memory_bytes, 64U << 10U);
}

TEST_F(Hostile, FloodOfOutputIsCutAndCounted) {
  const auto ticker = EpochTicker::start(host_.engine, Host::options().tick_ns);
  ASSERT_TRUE(ticker.ok()) << ticker.error().message();
  RequestLimits limits;
  limits.log_bytes = 10'000;
  limits.cpu_budget_ns = 20'000'000;
  const Exchange exchange = host_.get("/flood", limits);
  EXPECT_EQ(exchange.outcome, Outcome::kCpuBudget);
  EXPECT_GT(exchange.log_dropped, 0U);
  EXPECT_EQ(exchange.out.size() + exchange.err.size(), 10'000U);
}

TEST_F(Hostile, FloodOfHeadersIsBounded) {
  const Exchange exchange = host_.get("/headers");
  std::size_t bytes = 0;
  for (const auto& [name, value] : exchange.headers) {
    bytes += name.size() + value.size();
  }
  EXPECT_LE(bytes, RequestLimits{}.header_bytes);
}

}  // namespace
}  // namespace duet::engine
