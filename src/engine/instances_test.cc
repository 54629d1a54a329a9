#include "engine/instances.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/handler_driver_for_test.h"

namespace duet::engine {
namespace {

using ::testing::HasSubstr;
using Outcome = RequestEnd::Outcome;

constexpr std::uint64_t kTidyToken = 1;

// Requests of one handler in sandboxes that are used again. Their tokens are their numbers, from 2.
class InstancesTest : public ::testing::Test {
 protected:
  void make(const Reuse& reuse) {
    auto made = Instances::create(host_.handler, reuse, kTidyToken);
    ASSERT_TRUE(made.ok()) << made.error().message();
    instances_.emplace(std::move(*made));
  }

  // Its number.
  std::size_t start(std::string_view path, const RequestLimits& limits = {},
                    std::span<const Field> headers = {}, bool body_complete = true) {
    auto request = instances_->start(
        {body_complete ? "GET" : "POST", "http", "example.test", path, headers, body_complete},
        limits, drivers_.size() + 2);
    EXPECT_TRUE(request.ok()) << request.error().message();
    drivers_.push_back(std::make_unique<Driver>(host_.engine, std::move(*request)));
    return drivers_.size() - 1;
  }
  Driver& driver(std::size_t number) { return *drivers_[number]; }
  void drop(std::size_t number) { drivers_[number].reset(); }

  // As an event loop would, until nothing wants to be polled; timers are not due.
  void run() {
    for (int rounds = 0; rounds < 100'000; ++rounds) {
      auto token = host_.engine.next_ready();
      if (!token) {
        token = host_.engine.next_slow();
      }
      if (!token) {
        return;
      }
      if (*token == kTidyToken) {
        instances_->tidy();
      } else if (drivers_[*token - 2]) {
        drivers_[*token - 2]->step();
      }
    }
    ADD_FAILURE() << "somebody is always ready";
  }
  // Everything that was started, from its first step.
  void run_all() {
    for (const auto& one : drivers_) {
      if (one) {
        one->step();
      }
    }
    run();
  }
  void fire_timers() {
    while (const auto due_ns = host_.engine.next_timer_ns()) {
      host_.engine.fire_timers(*due_ns);
      run();
      if (host_.engine.next_timer_ns() == due_ns) {
        return;
      }
    }
  }
  // A whole request by itself.
  Exchange get(std::string_view path, const RequestLimits& limits = {}) {
    const std::size_t number = start(path, limits);
    driver(number).step();
    run();
    Exchange exchange = driver(number).exchange();
    EXPECT_TRUE(driver(number).done()) << path;
    drop(number);
    return exchange;
  }

  Host host_{"rust_service"};
  std::optional<Instances> instances_;
  std::vector<std::unique_ptr<Driver>> drivers_;
};

TEST_F(InstancesTest, ASandboxAnswersAsManyRequestsAsItMay) {
  make({.requests = 3});
  for (const char* count : {"1\n", "2\n", "3\n", "1\n", "2\n"}) {
    const Exchange exchange = get("/count");
    EXPECT_EQ(exchange.body, count);
    EXPECT_EQ(exchange.outcome, Outcome::kOk);
    EXPECT_GT(exchange.cpu_ns, 0U);
    EXPECT_GT(exchange.peak_memory_bytes, 0U);
  }
  EXPECT_EQ(instances_->count(), 1U);
}

TEST_F(InstancesTest, OneAtATimeUnlessSaidOtherwise) {
  make({.requests = 100});
  const std::size_t first = start("/echo", {}, {}, false);
  const std::size_t second = start("/echo", {}, {}, false);
  run_all();
  EXPECT_EQ(instances_->count(), 2U);
  for (const std::size_t number : {second, first}) {
    EXPECT_EQ(driver(number).exchange().status, 200);
    driver(number).request().write("text");
    ASSERT_TRUE(driver(number).request().finish().ok());
    run();
    EXPECT_EQ(driver(number).exchange().body, "text");
    EXPECT_TRUE(driver(number).done());
    drop(number);
  }
  EXPECT_EQ(get("/count").body, "1\n");
  EXPECT_EQ(get("/count").body, "2\n");
  EXPECT_EQ(instances_->count(), 2U);
}

// Their bodies come in turns, and each gets its own.
TEST_F(InstancesTest, SeveralAtATimeInOneSandbox) {
  make({.requests = 100, .concurrency = 4});
  for (int i = 0; i < 5; ++i) {
    start("/echo", {}, {}, false);
  }
  run_all();
  EXPECT_EQ(instances_->count(), 2U);
  for (int round = 0; round < 10; ++round) {
    for (std::size_t number = 0; number < 5; ++number) {
      driver(number).request().write(std::to_string(number));
      run();
    }
  }
  for (std::size_t number = 0; number < 5; ++number) {
    constexpr std::array<Field, 1> kTrailers{{{"x-sum", "42"}}};
    ASSERT_TRUE(driver(number).request().finish(kTrailers).ok());
    run();
    EXPECT_TRUE(driver(number).done()) << number;
    EXPECT_EQ(driver(number).exchange().body, std::string(10, static_cast<char>('0' + number)));
    EXPECT_EQ(driver(number).exchange().trailers.count("x-sum"), 1U);
    EXPECT_EQ(driver(number).exchange().outcome, Outcome::kOk);
    drop(number);
  }
  EXPECT_EQ(get("/count").body, "1\n");
}

// More than buffers hold, beside another: who waits for room hears of it.
TEST_F(InstancesTest, LargeBodiesSideBySide) {
  make({.requests = 100, .concurrency = 2});
  const std::string data(300'000, 'x');
  std::array<std::size_t, 2> written{};
  start("/echo", {}, {}, false);
  start("/echo", {}, {}, false);
  run_all();
  for (int rounds = 0; rounds < 1000 && written[0] + written[1] < 2 * data.size(); ++rounds) {
    for (std::size_t number = 0; number < 2; ++number) {
      written[number] +=
          driver(number).request().write(std::string_view(data).substr(written[number]));
    }
    run();
  }
  for (std::size_t number = 0; number < 2; ++number) {
    EXPECT_EQ(written[number], data.size());
    ASSERT_TRUE(driver(number).request().finish().ok());
    run();
    EXPECT_EQ(driver(number).exchange().body, data);
  }
}

TEST_F(InstancesTest, ATrapEndsAllInTheSandbox) {
  make({.requests = 100, .concurrency = 4});
  const std::size_t other = start("/echo", {}, {}, false);
  run_all();
  driver(other).request().write("part");
  run();
  EXPECT_EQ(get("/trap").outcome, Outcome::kTrap);
  EXPECT_TRUE(driver(other).done());
  EXPECT_EQ(driver(other).exchange().outcome, Outcome::kTrap);
  EXPECT_EQ(driver(other).exchange().body, "part");
  EXPECT_TRUE(driver(other).exchange().broken_off);
  drop(other);
  EXPECT_EQ(instances_->count(), 0U);
  EXPECT_EQ(get("/count").body, "1\n");
}

TEST_F(InstancesTest, ABudgetThatIsOverrunEndsAllInTheSandbox) {
  const auto ticker = EpochTicker::start(host_.engine, Host::options().tick_ns);
  ASSERT_TRUE(ticker.ok()) << ticker.error().message();
  make({.requests = 100, .concurrency = 4});
  const RequestLimits limits{.cpu_budget_ns = 20'000'000};
  const std::size_t waiting = start("/hang", limits);
  run_all();
  EXPECT_FALSE(driver(waiting).done());
  EXPECT_EQ(get("/loop", limits).outcome, Outcome::kCpuBudget);
  EXPECT_EQ(driver(waiting).exchange().outcome, Outcome::kCpuBudget);
  drop(waiting);
  EXPECT_EQ(instances_->count(), 0U);
  EXPECT_EQ(get("/hello").status, 200);
}

TEST_F(InstancesTest, ARequestThatIsLeftEndsItsSandboxWithTheLastOther) {
  make({.requests = 100, .concurrency = 2});
  const std::size_t other = start("/echo", {}, {}, false);
  const std::size_t left = start("/hang");
  run_all();
  EXPECT_EQ(instances_->count(), 1U);
  drop(left);
  run();
  EXPECT_EQ(get("/count").body, "1\n") << "it takes no more";
  EXPECT_EQ(instances_->count(), 2U);
  driver(other).request().write("text");
  ASSERT_TRUE(driver(other).request().finish().ok());
  run();
  EXPECT_EQ(driver(other).exchange().body, "text");
  EXPECT_EQ(driver(other).exchange().outcome, Outcome::kOk);
  drop(other);
  EXPECT_EQ(instances_->count(), 1U);
}

TEST_F(InstancesTest, ARequestThatIsLeftAloneEndsItsSandbox) {
  make({.requests = 100});
  for (const std::string path : {"/hang", "/drip", "/linger", "/forget"}) {
    const std::size_t number = start(path);
    driver(number).step();
    run();
    EXPECT_FALSE(driver(number).done()) << path;
    drop(number);
    EXPECT_EQ(instances_->count(), 0U) << path;
  }
  EXPECT_FALSE(host_.engine.next_timer_ns());
}

TEST_F(InstancesTest, WhoNeverRanLeavesTheSandboxAsItWas) {
  make({.requests = 100});
  EXPECT_EQ(get("/count").body, "1\n");
  drop(start("/count"));
  EXPECT_EQ(get("/count").body, "2\n");
}

TEST_F(InstancesTest, TimersOfAllFire) {
  make({.requests = 100, .concurrency = 3});
  for (int i = 0; i < 3; ++i) {
    start("/sleep?ms=1000");
  }
  run_all();
  fire_timers();
  for (std::size_t number = 0; number < 3; ++number) {
    EXPECT_TRUE(driver(number).done());
    EXPECT_EQ(driver(number).exchange().body, "slept\n");
  }
}

TEST_F(InstancesTest, OutgoingRequestsBelongToTheirRequest) {
  make({.requests = 100, .concurrency = 2});
  constexpr std::array<Field, 1> kFirst{{{"x-url", "http://first.test/"}}};
  constexpr std::array<Field, 1> kSecond{{{"x-url", "http://second.test/"}}};
  start("/outgoing", {}, kFirst);
  start("/outgoing", {}, kSecond);
  run_all();
  for (const std::size_t number : {std::size_t{1}, std::size_t{0}}) {
    const auto head = driver(number).request().next_outgoing();
    ASSERT_TRUE(head.has_value()) << number;
    EXPECT_EQ(head->authority, number == 0 ? "first.test" : "second.test");
    EXPECT_FALSE(driver(number).request().next_outgoing());
    ASSERT_TRUE(driver(number).request().respond_outgoing(head->id, 200, {}, false).ok());
    driver(number).request().write_outgoing(head->id, std::to_string(number));
    ASSERT_TRUE(driver(number).request().finish_outgoing(head->id).ok());
    run();
    EXPECT_EQ(driver(number).exchange().body, std::to_string(number));
    EXPECT_TRUE(driver(number).done());
  }
}

TEST_F(InstancesTest, TheLogOfEachRequestIsBounded) {
  make({.requests = 100});
  for (int i = 0; i < 3; ++i) {
    const Exchange exchange = get("/result", {.log_bytes = 10});
    EXPECT_EQ(exchange.out, "delivered:");
    EXPECT_GT(exchange.log_dropped, 0U);
  }
}

TEST_F(InstancesTest, SandboxesThatWaitTooLongGo) {
  make({.requests = 100, .idle_ns = 3'600'000'000'000});
  EXPECT_EQ(get("/count").body, "1\n");
  EXPECT_EQ(instances_->count(), 1U);
  EXPECT_TRUE(host_.engine.next_timer_ns().has_value());
  make({.requests = 100, .idle_ns = 0});
  EXPECT_EQ(get("/count").body, "1\n");
  run();
  EXPECT_EQ(instances_->count(), 0U);
  EXPECT_FALSE(host_.engine.next_timer_ns());
}

TEST_F(InstancesTest, NoMoreWaitThanMay) {
  make({.requests = 100, .idle_limit = 2});
  for (int i = 0; i < 5; ++i) {
    start("/hello");
  }
  run_all();
  for (std::size_t number = 0; number < 5; ++number) {
    EXPECT_TRUE(driver(number).done());
    drop(number);
  }
  EXPECT_EQ(instances_->count(), 2U);
}

TEST_F(InstancesTest, AreForAsynchronousHandlers) {
  const Host other("hello_handler");
  const auto refused = Instances::create(other.handler, {.requests = 2}, kTidyToken);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalid);
  EXPECT_THAT(refused.error().message(), HasSubstr("WASI 0.3"));
}

}  // namespace
}  // namespace duet::engine
