#include "pod/prober.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace duet::pod {
namespace {

class ProberTest : public testing::Test {
 protected:
  void watch(ProbeKind kind, object::Probe probe, Check check) {
    prober_->watch("id", kind, probe, std::move(check), [this] {
      const std::lock_guard lock(mutex_);
      ++changes_;
      changed_.notify_all();
    });
  }
  bool wait_for_changes(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return changes_ >= count; });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int changes_ = 0;
  std::unique_ptr<Prober> prober_ = Prober::start({.second_ms = 1});
};

TEST_F(ProberTest, ThresholdsDecide) {
  std::atomic<int> checks{0};
  watch(ProbeKind::kLiveness, {.period_seconds = 1, .failure_threshold = 3}, [&checks]() -> Status {
    ++checks;
    return Error(ErrorCode::kUnavailable, "refused");
  });
  ASSERT_TRUE(wait_for_changes(1));
  EXPECT_GE(checks.load(), 3);
  EXPECT_EQ(prober_->result("id", ProbeKind::kLiveness), ProbeResult::kFailure);
  EXPECT_EQ(prober_->message("id", ProbeKind::kLiveness), "refused");
  EXPECT_EQ(prober_->result("id", ProbeKind::kReadiness), ProbeResult::kUnknown);
}

TEST_F(ProberTest, RecoversAndIsForgotten) {
  std::atomic<bool> well{false};
  watch(ProbeKind::kReadiness, {.period_seconds = 1, .failure_threshold = 1}, [&well]() -> Status {
    return well ? Status() : Error(ErrorCode::kUnavailable, "not yet");
  });
  ASSERT_TRUE(wait_for_changes(1));
  EXPECT_EQ(prober_->result("id", ProbeKind::kReadiness), ProbeResult::kFailure);
  well = true;
  ASSERT_TRUE(wait_for_changes(2));
  EXPECT_EQ(prober_->result("id", ProbeKind::kReadiness), ProbeResult::kSuccess);
  prober_->forget("id");
  EXPECT_EQ(prober_->result("id", ProbeKind::kReadiness), ProbeResult::kUnknown);
}

}  // namespace
}  // namespace duet::pod
