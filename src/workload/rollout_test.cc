#include "workload/rollout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace duet::workload {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const sys::WallTime kNow{std::chrono::seconds(1'800'000'000)};

PodView pod(const std::string& hash, bool ready) {
  PodView view;
  view.template_hash = hash;
  view.ready = ready;
  view.ready_since = kNow - std::chrono::hours(1);
  view.created = "2027-01-01T00:00:00Z";
  return view;
}

std::vector<PodView> pods(int count, const std::string& hash, bool ready = true) {
  return std::vector<PodView>(static_cast<size_t>(count), pod(hash, ready));
}

std::vector<PodView> operator+(std::vector<PodView> a, const std::vector<PodView>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

object::Deployment deployment(int replicas, const std::string& surge, const std::string& missing) {
  object::Deployment out;
  out.replicas = replicas;
  out.max_surge = surge;
  out.max_unavailable = missing;
  return out;
}

TEST(ResolveCountTest, NumbersAndPercentages) {
  EXPECT_EQ(resolve_count("3", 10, Rounding::kUp), 3);
  EXPECT_EQ(resolve_count("25%", 10, Rounding::kUp), 3);
  EXPECT_EQ(resolve_count("25%", 10, Rounding::kDown), 2);
  EXPECT_EQ(resolve_count("100%", 4, Rounding::kDown), 4);
  EXPECT_EQ(resolve_count("0%", 4, Rounding::kUp), 0);
  for (const char* odd : {"", "%", "-1", "x", "1.5", "99999999999", "-5%"}) {
    EXPECT_EQ(resolve_count(odd, 4, Rounding::kUp), 1) << odd;
  }
}

TEST(RolloutTest, MakesAndRemovesToTheNumber) {
  EXPECT_EQ(plan_rollout(deployment(3, "25%", "25%"), "n", {}, kNow).create, 3);
  EXPECT_EQ(plan_rollout(deployment(3, "25%", "25%"), "n", pods(3, "n"), kNow).create, 0);
  const auto mixed = pods(2, "n") + pods(1, "n", false);
  EXPECT_THAT(plan_rollout(deployment(2, "0", "1"), "n", mixed, kNow).remove, ElementsAre(2));
  EXPECT_EQ(plan_rollout(deployment(0, "25%", "25%"), "n", mixed, kNow).remove.size(), 3u);
}

TEST(RolloutTest, SurgeBoundsWhatIsMadeAndNothingGoesBeforeItIsReplaced) {
  const Plan first = plan_rollout(deployment(4, "1", "0"), "n", pods(4, "o"), kNow);
  EXPECT_EQ(first.create, 1);
  EXPECT_THAT(first.remove, IsEmpty());
  const Plan wait =
      plan_rollout(deployment(4, "1", "0"), "n", pods(4, "o") + pods(1, "n", false), kNow);
  EXPECT_EQ(wait.create, 0);
  EXPECT_THAT(wait.remove, IsEmpty());
  const Plan next = plan_rollout(deployment(4, "1", "0"), "n", pods(4, "o") + pods(1, "n"), kNow);
  EXPECT_EQ(next.create, 0);
  EXPECT_EQ(next.remove.size(), 1u);
}

TEST(RolloutTest, UnavailableBoundsWhatGoes) {
  const Plan first = plan_rollout(deployment(4, "0", "2"), "n", pods(4, "o"), kNow);
  EXPECT_EQ(first.create, 0);
  EXPECT_EQ(first.remove.size(), 2u);
  const Plan wait =
      plan_rollout(deployment(4, "0", "2"), "n", pods(2, "o") + pods(2, "n", false), kNow);
  EXPECT_EQ(wait.create, 0);
  EXPECT_THAT(wait.remove, IsEmpty());
}

TEST(RolloutTest, BothBoundsZeroStillMoves) {
  EXPECT_EQ(plan_rollout(deployment(1, "0", "0"), "n", pods(1, "o"), kNow).remove.size(), 1u);
}

TEST(RolloutTest, OldPodsThatServeNobodyGoFirst) {
  const auto broken = pods(1, "o") + pods(1, "o", false) + pods(1, "o");
  const Plan plan = plan_rollout(deployment(3, "0", "1"), "n", broken, kNow);
  EXPECT_THAT(plan.remove, ElementsAre(1));
}

// Whatever the bounds and however the pods become ready, a rollout keeps them and comes to an end.
TEST(RolloutTest, EveryRolloutKeepsItsBoundsAndEnds) {
  for (int replicas = 1; replicas <= 6; ++replicas) {
    for (int surge = 0; surge <= 3; ++surge) {
      for (int missing = surge == 0 ? 1 : 0; missing <= replicas; ++missing) {
        const auto wish = deployment(replicas, std::to_string(surge), std::to_string(missing));
        auto now = pods(replicas, "o");
        int turns = 0;
        const auto done = [&] {
          return now.size() == static_cast<size_t>(replicas) &&
                 std::all_of(now.begin(), now.end(), [](const PodView& view) {
                   return view.template_hash == "n" && view.ready;
                 });
        };
        while (!done()) {
          const Plan plan = plan_rollout(wish, "n", now, kNow);
          ASSERT_LT(++turns, 100);
          for (const size_t i : plan.remove) {
            now[i].deleting = true;
          }
          std::erase_if(now, [](const PodView& view) { return view.deleting; });
          now = now + pods(plan.create, "n", false);
          const auto ready =
              std::count_if(now.begin(), now.end(), [](const PodView& view) { return view.ready; });
          ASSERT_LE(static_cast<int>(now.size()), replicas + surge);
          ASSERT_GE(ready, replicas - missing);
          if (turns % 2 == 0) {
            const auto slow = std::find_if(now.begin(), now.end(),
                                           [](const PodView& view) { return !view.ready; });
            if (slow != now.end()) {
              slow->ready = true;
            }
          }
        }
        const Plan rest = plan_rollout(wish, "n", now, kNow);
        EXPECT_TRUE(rest.create == 0 && rest.remove.empty());
      }
    }
  }
}

TEST(RolloutTest, RecreateWaitsUntilTheLastOldPodIsGone) {
  auto wish = deployment(2, "25%", "25%");
  wish.strategy = "Recreate";
  auto old = pods(2, "o");
  const Plan first = plan_rollout(wish, "n", old, kNow);
  EXPECT_EQ(first.remove.size(), 2u);
  EXPECT_EQ(first.create, 0);
  old.pop_back();
  old[0].deleting = true;
  EXPECT_EQ(plan_rollout(wish, "n", old, kNow).create, 0);
  EXPECT_EQ(plan_rollout(wish, "n", {}, kNow).create, 2);
}

TEST(RolloutTest, PausedKeepsTheTemplateThatRuns) {
  auto wish = deployment(3, "25%", "25%");
  wish.paused = true;
  const Plan more = plan_rollout(wish, "n", pods(1, "o"), kNow);
  EXPECT_EQ(more.create, 2);
  EXPECT_EQ(more.copy_of, 0u);
  EXPECT_EQ(plan_rollout(wish, "n", pods(5, "o"), kNow).remove.size(), 2u);
  EXPECT_THAT(plan_rollout(wish, "n", pods(3, "o"), kNow).remove, IsEmpty());
  EXPECT_FALSE(plan_rollout(wish, "n", {}, kNow).copy_of.has_value());
}

TEST(RolloutTest, MinReadySecondsDelayAvailability) {
  auto wish = deployment(1, "1", "0");
  wish.min_ready_seconds = 10;
  auto both = pods(1, "o") + pods(1, "n");
  both[1].ready_since = kNow - std::chrono::milliseconds(4'500);
  const Plan wait = plan_rollout(wish, "n", both, kNow);
  EXPECT_THAT(wait.remove, IsEmpty());
  EXPECT_EQ(wait.counts, (Counts{2, 1, 2, 1}));
  EXPECT_EQ(wait.after_ms, 5'500);
  EXPECT_THAT(plan_rollout(wish, "n", both, kNow + std::chrono::milliseconds(5'500)).remove,
              ElementsAre(0));
}

TEST(RolloutTest, EndedPodsAreReplacedButDoNotSpin) {
  auto one = pods(1, "n", false);
  one[0].ended = true;
  one[0].created = sys::format_rfc3339(kNow - std::chrono::seconds(4));
  const Plan wait = plan_rollout(deployment(1, "1", "0"), "n", one, kNow);
  EXPECT_EQ(wait.create, 0);
  EXPECT_THAT(wait.remove, IsEmpty());
  EXPECT_EQ(wait.after_ms, 6'000);
  const Plan go = plan_rollout(deployment(1, "1", "0"), "n", one, kNow + std::chrono::seconds(6));
  EXPECT_EQ(go.create, 1);
  EXPECT_THAT(go.remove, ElementsAre(0));
  EXPECT_EQ(go.live_removed, 0);
}

}  // namespace
}  // namespace duet::workload
