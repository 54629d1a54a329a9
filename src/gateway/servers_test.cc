#include "gateway/servers.h"

#include <gtest/gtest.h>

#include <map>

#include "gateway/attempts.h"

namespace duet::gateway {
namespace {

class ServersTest : public testing::Test {
 protected:
  ServersTest() : loop_(std::move(*net::EventLoop::create(clock_))) {
    for (Origin& origin : origins_) {
      origin.name = "10.0.0." + std::to_string(&origin - origins_) + ":80";
    }
  }
  std::shared_ptr<Servers> balanced(const BalancedServers::Policy& policy = {}) {
    return std::make_shared<BalancedServers>(
        std::vector<Origin*>{&origins_[0], &origins_[1], &origins_[2]}, "service/a/b:80", policy,
        *loop_);
  }
  void leave_out(Servers& servers, Origin& origin) {
    for (int i = 0; i < HealthPolicy{}.failure_limit; ++i) {
      servers.note_failure(origin, "ConnectFailed");
    }
  }
  std::map<const Origin*, int> chosen(Servers& servers, int times) {
    std::map<const Origin*, int> counts;
    for (int i = 0; i < times; ++i) {
      ++counts[servers.choose({})];
    }
    return counts;
  }

  sys::SystemClock clock_;
  std::unique_ptr<net::EventLoop> loop_;
  Origin origins_[3];
};

TEST_F(ServersTest, TakesTheOneWithFewestAndTurnsAmongEquals) {
  const auto servers = balanced();
  for (const auto& [origin, count] : chosen(*servers, 300)) {
    EXPECT_EQ(count, 100) << origin->name;
  }
  origins_[0].in_flight = 5;
  origins_[1].in_flight = 4;
  origins_[2].in_flight = 4;
  auto counts = chosen(*servers, 300);
  EXPECT_EQ(counts[&origins_[0]], 0);
  EXPECT_GT(counts[&origins_[1]], 90);
  EXPECT_GT(counts[&origins_[2]], 90);
}

TEST_F(ServersTest, LeavesOutWhoFailsUnlessAllDo) {
  const auto servers = balanced();
  leave_out(*servers, origins_[0]);
  origins_[1].in_flight = origins_[2].in_flight = 7;
  EXPECT_EQ(chosen(*servers, 300).count(&origins_[0]), 0U);
  leave_out(*servers, origins_[1]);
  EXPECT_EQ(chosen(*servers, 300)[&origins_[2]], 300);
  leave_out(*servers, origins_[2]);
  EXPECT_EQ(chosen(*servers, 300)[&origins_[0]], 300);  // all are out: the one with fewest
  servers->note_answer(origins_[1], 200);
  EXPECT_EQ(chosen(*servers, 300)[&origins_[1]], 300);
}

TEST_F(ServersTest, CountsErrorsAsFailuresOnlyIfAskedTo) {
  const auto lenient = balanced();
  const auto strict = balanced({.health = {.failure_limit = 2, .counts_errors = true}});
  for (int i = 0; i < 10; ++i) {
    lenient->note_answer(origins_[0], 503);
  }
  EXPECT_FALSE(origins_[0].health.is_out(loop_->now_ns()));
  strict->note_answer(origins_[0], 503);
  strict->note_answer(origins_[0], 404);
  strict->note_answer(origins_[0], 503);
  EXPECT_FALSE(origins_[0].health.is_out(loop_->now_ns()));
  strict->note_answer(origins_[0], 500);
  EXPECT_TRUE(origins_[0].health.is_out(loop_->now_ns()));
}

TEST_F(ServersTest, KeepsOrigins) {
  {
    const auto servers = balanced();
    EXPECT_EQ(origins_[0].holders, 1);
  }
  EXPECT_EQ(origins_[0].holders, 0);
}

TEST_F(ServersTest, AListIsTriedInItsOrder) {
  ListedServers servers({&origins_[1], &origins_[0]});
  EXPECT_EQ(servers.choose({}), &origins_[1]);
  Origin* tried[] = {&origins_[1], &origins_[0]};
  EXPECT_EQ(servers.choose({tried, 1}), &origins_[0]);
  EXPECT_EQ(servers.choose({tried, 2}), nullptr);
}

TEST_F(ServersTest, AnAttemptGoesToTheNextServer) {
  Attempts attempts(balanced(), false);
  Origin& first = attempts.server();
  EXPECT_EQ(first.in_flight, 1);
  ASSERT_TRUE(attempts.fail(Fault::kNotConnected, "ConnectFailed", true));
  Origin& second = attempts.server();
  EXPECT_NE(&first, &second);
  EXPECT_EQ(first.in_flight, 0);
  EXPECT_EQ(second.in_flight, 1);
  ASSERT_TRUE(attempts.fail(Fault::kNotConnected, "ConnectTimeout", true));
  EXPECT_FALSE(attempts.fail(Fault::kNotConnected, "ConnectFailed", true));  // there is no fourth
  EXPECT_EQ(attempts.retries(), 2U);
  EXPECT_EQ(attempts.retry_reason(), "ConnectFailed");
}

TEST_F(ServersTest, WhatMayHaveBeenDoneIsNotDoneAgain) {
  const auto servers = balanced();
  EXPECT_FALSE(Attempts(servers, false).fail(Fault::kLost, "ConnectionLost", true));
  EXPECT_FALSE(Attempts(servers, true).fail(Fault::kLost, "ConnectionLost", false));
  EXPECT_FALSE(Attempts(servers, false).fail(Fault::kStale, "ConnectionLost", true));
  EXPECT_FALSE(Attempts(servers, true).fail(Fault::kOther, "UpstreamTimeout", true));
  EXPECT_TRUE(Attempts(servers, false).fail(Fault::kRefused, "StreamReset", true));
  EXPECT_TRUE(Attempts(servers, true).fail(Fault::kLost, "ConnectionLost", true));
}

TEST_F(ServersTest, AStaleConnectionIsNoFaultOfItsServer) {
  Attempts attempts(balanced({.health = {.failure_limit = 1}}), true);
  Origin& server = attempts.server();
  EXPECT_TRUE(attempts.fail(Fault::kStale, "ConnectionLost", true));
  EXPECT_EQ(&attempts.server(), &server);
  EXPECT_FALSE(server.health.is_out(loop_->now_ns()));
  EXPECT_FALSE(attempts.fail(Fault::kStale, "ConnectionLost", true));  // once is enough
}

TEST_F(ServersTest, WhatAServerDidNotLookAtIsNoFaultAndCostsNothing) {
  const auto servers = balanced({.health = {.failure_limit = 1}, .retry_limit = 0});
  Attempts attempts(servers, false);
  Origin& server = attempts.server();
  ASSERT_TRUE(attempts.fail(Fault::kUnseen, "ConnectionLost", true));
  EXPECT_FALSE(server.health.is_out(loop_->now_ns()));
  std::uint32_t more = 0;
  while (attempts.fail(Fault::kUnseen, "ConnectionLost", true)) {
    ++more;
  }
  EXPECT_EQ(1 + more, Attempts::kServerLimit - 1);
}

TEST_F(ServersTest, RetriesAreBoundedForARequestAndInAll) {
  const auto servers = balanced({.health = {.failure_limit = 0}, .retry_limit = 2});
  const auto sent = [&servers] {
    Attempts attempts(servers, true);
    while (attempts.fail(Fault::kLost, "ConnectionLost", true)) {
    }
    return 1 + attempts.retries();
  };
  EXPECT_EQ(sent(), 3U);
  std::uint32_t all = 0;
  for (int i = 0; i < 1'000; ++i) {
    all += sent();
  }
  EXPECT_GE(all, 1'000U + 200U);
  EXPECT_LE(all, 1'000U + 200U + RetryBudget::kReserve);
}

}  // namespace
}  // namespace duet::gateway
