#include "kubelet/gate.h"

#include <gtest/gtest.h>

#include "kubelet/kubelet_fixture.h"

namespace duet::kubelet {
namespace {

class GateTest : public testing::Test {
 protected:
  Status ask(const std::string& user) {
    return gate_.authorize({.name = user}, "GET", "/containerLogs/default/web/main");
  }
  int asked() const { return reviews_.asked("subjectaccessreviews"); }

  ReviewsForTest reviews_;
  sys::ManualClock clock_{sys::SystemClock().now()};
  sys::SystemRandom random_;
  cluster::CurrentAccess access_{reviews_.access()};
  std::stop_source stop_;
  Gate gate_{access_, "edge", clock_, random_, stop_.get_token()};
};

TEST_F(GateTest, AnswersHoldForAWhile) {
  EXPECT_TRUE(ask("a").ok());
  reviews_.allows = false;
  clock_.advance(Gate::kAllowedLife - std::chrono::seconds(1));
  EXPECT_TRUE(ask("a").ok());
  EXPECT_EQ(ask("b").error().code(), ErrorCode::kPermission);
  EXPECT_EQ(asked(), 2);
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(ask("a").error().code(), ErrorCode::kPermission);
  EXPECT_EQ(asked(), 3);
  reviews_.allows = true;
  EXPECT_FALSE(ask("b").ok());
  clock_.advance(Gate::kDeniedLife);
  EXPECT_TRUE(ask("b").ok());
}

TEST_F(GateTest, GroupsAndTokensTellUsersApart) {
  const auto with = [&](const std::string& group) {
    return gate_.authorize({.name = "a", .groups = {group}}, "GET", "/stats/summary").ok();
  };
  EXPECT_TRUE(with("one"));
  EXPECT_TRUE(with("two"));
  EXPECT_EQ(asked(), 2);
  EXPECT_EQ(gate_.authenticate(std::nullopt, "bearer  good")->name, "prometheus");
  EXPECT_EQ(gate_.authenticate(std::nullopt, "Bearer goo").error().code(), ErrorCode::kPermission);
  // A verified certificate goes before a token.
  const net::PeerSubject peer{.common_name = "node", .organizations = {"system:nodes"}};
  EXPECT_EQ(gate_.authenticate(peer, "Bearer good")->name, "node");
  EXPECT_EQ(reviews_.asked("tokenreviews"), 2);
}

TEST_F(GateTest, AStopEndsTheWait) {
  stop_.request_stop();
  EXPECT_NE(ask("a").error().code(), ErrorCode::kPermission);
}

TEST(AnswerCache, IsBounded) {
  sys::ManualClock clock{sys::WallTime()};
  AnswerCache<int> cache(clock);
  for (int i = 0; i < 3000; ++i) {
    cache.keep(std::to_string(i), i, std::chrono::minutes(1));
  }
  EXPECT_EQ(cache.size(), AnswerCache<int>::kAnswerLimit);
  EXPECT_EQ(cache.find("2999"), 2999);
  clock.advance(std::chrono::minutes(1));
  EXPECT_EQ(cache.find("2999"), std::nullopt);
  cache.keep("new", 1, std::chrono::minutes(1));
  EXPECT_EQ(cache.size(), 1U);
}

}  // namespace
}  // namespace duet::kubelet
