#include "store/work_queue.h"

#include <gtest/gtest.h>

namespace duet::store {
namespace {

using std::chrono::milliseconds;

class WorkQueueTest : public testing::Test {
 protected:
  std::string take() { return queue_.take(now_).value_or("-"); }
  WorkQueue queue_{4, 50, 1000};
  sys::MonotonicTime now_{};
};

TEST_F(WorkQueueTest, KeysComeInOrderAndOnce) {
  EXPECT_TRUE(queue_.add("a"));
  EXPECT_TRUE(queue_.add("b"));
  EXPECT_TRUE(queue_.add("a"));
  EXPECT_EQ(take(), "a");
  EXPECT_EQ(take(), "b");
  EXPECT_EQ(take(), "-");
}

TEST_F(WorkQueueTest, AKeyIsNeverOutTwiceAndComesBackIfItWasAddedMeanwhile) {
  queue_.add("a");
  EXPECT_EQ(take(), "a");
  queue_.add("a");
  queue_.add("a");
  EXPECT_EQ(take(), "-");
  queue_.done("a", std::nullopt, now_);
  EXPECT_EQ(take(), "a");
  queue_.done("a", std::nullopt, now_);
  EXPECT_EQ(take(), "-");
}

TEST_F(WorkQueueTest, DelaysPassAndAnEventComesBeforeThem) {
  queue_.add("a");
  take();
  queue_.done("a", 100, now_);
  EXPECT_EQ(take(), "-");
  EXPECT_EQ(queue_.next_due(), now_ + milliseconds(100));
  now_ += milliseconds(100);
  EXPECT_EQ(take(), "a");
  queue_.done("a", 100, now_);
  queue_.add("a");
  EXPECT_EQ(take(), "a");
  EXPECT_EQ(queue_.next_due(), std::nullopt);
  queue_.done("a", std::nullopt, now_);
}

TEST_F(WorkQueueTest, AWakeWhileBusyBeatsTheDelayThatFollows) {
  queue_.add("a");
  take();
  queue_.add("a");
  queue_.done("a", 100, now_);
  EXPECT_EQ(take(), "a");
  EXPECT_EQ(queue_.next_due(), std::nullopt);
}

TEST_F(WorkQueueTest, FailuresBackOffAndSuccessForgetsThem) {
  queue_.add("a");
  for (const int64_t pause : {50, 100, 200, 400, 800, 1000, 1000}) {
    ASSERT_EQ(take(), "a");
    EXPECT_EQ(queue_.failed("a", now_), pause);
    now_ += milliseconds(pause - 1);
    EXPECT_EQ(take(), "-");
    now_ += milliseconds(1);
  }
  ASSERT_EQ(take(), "a");
  queue_.done("a", std::nullopt, now_);
  queue_.add("a");
  ASSERT_EQ(take(), "a");
  EXPECT_EQ(queue_.failed("a", now_), 50);
}

TEST_F(WorkQueueTest, TheNumberOfKeysIsBounded) {
  for (const char* key : {"a", "b", "c", "d"}) {
    EXPECT_TRUE(queue_.add(key));
  }
  EXPECT_FALSE(queue_.add("e"));
  EXPECT_TRUE(queue_.add("a"));
  take();
  EXPECT_TRUE(queue_.add("e"));
}

}  // namespace
}  // namespace duet::store
