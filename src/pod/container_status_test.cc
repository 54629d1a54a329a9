#include "pod/container_status.h"

#include <gtest/gtest.h>

namespace duet::pod {
namespace {

using State = object::ContainerState;

constexpr int64_t kNowMs = 1'700'000'000'000;

class DecideTest : public testing::Test {
 protected:
  DecideTest() {
    container_.name = "web";
    container_.image = "registry.example/web:1";
    view_.container = &container_;
    view_.restart_policy = "Always";
    view_.now_ms = kNowMs;
    view_.image.ready = std::make_shared<const ReadyImage>();
  }

  monitor::ChildState exited(int code, int64_t ago_ms, int64_t lived_ms = 1000) {
    monitor::ChildState child;
    child.id = "u-web-0";
    child.phase = monitor::ChildPhase::kExited;
    child.exit_code = code;
    child.finished_ns = (kNowMs - ago_ms) * 1'000'000;
    child.started_ns = child.finished_ns - lived_ms * 1'000'000;
    return child;
  }

  object::Container container_;
  object::ContainerStatus previous_;
  ContainerView view_;
};

TEST_F(DecideTest, StartsWhatWasNeverStarted) {
  const auto decision = decide(view_);
  EXPECT_TRUE(decision.start);
  EXPECT_EQ(decision.attempt, 0);
  EXPECT_EQ(decision.status.state.reason, "ContainerCreating");
}

TEST_F(DecideTest, WaitsForItsImage) {
  view_.image = {nullptr, {"ImagePullBackOff", "no route"}};
  const auto decision = decide(view_);
  EXPECT_FALSE(decision.start);
  EXPECT_EQ(decision.status.state.reason, "ImagePullBackOff");
  EXPECT_EQ(decision.status.state.message, "no route");
}

TEST_F(DecideTest, AStartThatIsUnderWayIsLeftAlone) {
  monitor::ChildState child;
  child.id = "u-web-1";
  child.phase = monitor::ChildPhase::kStarting;
  view_.child = child;
  view_.attempt = 1;
  const auto decision = decide(view_);
  EXPECT_FALSE(decision.start);
  EXPECT_FALSE(decision.running());
  EXPECT_FALSE(decision.done);
  EXPECT_EQ(decision.status.state.type, State::Type::kWaiting);
  EXPECT_EQ(decision.status.state.reason, "ContainerCreating");
  EXPECT_EQ(decision.status.restart_count, 1);
}

TEST_F(DecideTest, RunningIsRunning) {
  monitor::ChildState child;
  child.id = "u-web-2";
  child.phase = monitor::ChildPhase::kRunning;
  child.started_ns = 1'700'000'000LL * 1'000'000'000;
  view_.child = child;
  view_.attempt = 2;
  const auto decision = decide(view_);
  EXPECT_TRUE(decision.running());
  EXPECT_EQ(decision.status.restart_count, 2);
  EXPECT_EQ(decision.status.state.started_at, "2023-11-14T22:13:20Z");
  EXPECT_EQ(decision.status.container_id, "duet://u-web-2");
}

TEST_F(DecideTest, FirstEndIsRestartedAtOnceTheNextBacksOff) {
  view_.child = exited(1, 5);
  view_.attempt = 0;
  auto decision = decide(view_);
  EXPECT_TRUE(decision.start);
  EXPECT_EQ(decision.attempt, 1);
  ASSERT_TRUE(decision.status.last_state.has_value());
  EXPECT_EQ(decision.status.last_state->exit_code, 1);
  EXPECT_EQ(decision.status.last_state->reason, "Error");

  view_.attempt = 1;
  view_.backoff_step = 1;
  decision = decide(view_);
  EXPECT_FALSE(decision.start);
  EXPECT_EQ(decision.status.state.reason, "CrashLoopBackOff");
  EXPECT_EQ(decision.look_again_ms, 9'995);
  EXPECT_EQ(decision.status.restart_count, 1);

  view_.now_ms += 9'995;
  decision = decide(view_);
  EXPECT_TRUE(decision.start);
  EXPECT_EQ(decision.attempt, 2);
}

TEST_F(DecideTest, ALongLifeForgivesEarlierEnds) {
  view_.child = exited(1, 5, 600'000);
  view_.attempt = 7;
  view_.backoff_step = 7;
  EXPECT_TRUE(decide(view_).start);
}

TEST_F(DecideTest, PoliciesDecideWhatIsOver) {
  view_.attempt = 0;
  view_.restart_policy = "OnFailure";
  view_.child = exited(0, 5);
  EXPECT_TRUE(decide(view_).done);
  EXPECT_EQ(decide(view_).status.state.reason, "Completed");
  view_.child = exited(2, 5);
  EXPECT_TRUE(decide(view_).start);
  view_.restart_policy = "Never";
  EXPECT_TRUE(decide(view_).done);
  EXPECT_EQ(decide(view_).status.state.exit_code, 2);
}

TEST_F(DecideTest, ALostContainerCountsAsEnded) {
  previous_.state = {.type = State::Type::kRunning, .started_at = "2023-11-14T22:13:20Z"};
  previous_.restart_count = 3;
  view_.previous = &previous_;
  auto decision = decide(view_);
  EXPECT_TRUE(decision.start);
  EXPECT_EQ(decision.attempt, 4);
  EXPECT_EQ(decision.status.last_state->reason, "ContainerStatusUnknown");
  view_.restart_policy = "Never";
  decision = decide(view_);
  EXPECT_TRUE(decision.done);
  EXPECT_EQ(decision.status.state.exit_code, 137);
}

TEST_F(DecideTest, AnEndThatWasStoredStaysOver) {
  previous_.state = {.type = State::Type::kTerminated, .reason = "Completed"};
  view_.previous = &previous_;
  view_.restart_policy = "OnFailure";
  const auto decision = decide(view_);
  EXPECT_TRUE(decision.done);
  EXPECT_FALSE(decision.start);
}

TEST_F(DecideTest, AFailedStartIsTriedAgainLater) {
  view_.start_error = ImageWait{"RunContainerError", "no such file"};
  view_.start_retry_at_ms = kNowMs + 3'000;
  auto decision = decide(view_);
  EXPECT_FALSE(decision.start);
  EXPECT_EQ(decision.status.state.reason, "RunContainerError");
  EXPECT_EQ(decision.look_again_ms, 3'000);
  view_.now_ms += 3'000;
  decision = decide(view_);
  EXPECT_TRUE(decision.start);
  EXPECT_EQ(decision.attempt, 0);
}

TEST_F(DecideTest, WhatTheRuntimeRefusesIsOverWhenNothingIsRestarted) {
  view_.start_error = ImageWait{"RunContainerError", "no such file"};
  view_.start_retry_at_ms = kNowMs + 3'000;
  view_.start_refused = true;
  EXPECT_EQ(decide(view_).status.state.reason, "RunContainerError");
  view_.restart_policy = "Never";
  const auto decision = decide(view_);
  EXPECT_TRUE(decision.done);
  EXPECT_FALSE(decision.start);
  EXPECT_EQ(decision.status.state.type, State::Type::kTerminated);
  EXPECT_EQ(decision.status.state.reason, "StartError");
  EXPECT_EQ(decision.status.state.message, "no such file");
  EXPECT_EQ(decision.status.state.exit_code, 128);
  EXPECT_EQ(decision.status.state.finished_at, "2023-11-14T22:13:20Z");
}

TEST_F(DecideTest, AnInitContainerRunsAgainInANewSandbox) {
  previous_.state = {.type = State::Type::kTerminated, .reason = "Completed"};
  previous_.restart_count = 2;
  view_.previous = &previous_;
  view_.restart_policy = "OnFailure";
  EXPECT_TRUE(decide(view_).done);
  view_.sandbox_lost = true;
  auto decision = decide(view_);
  EXPECT_TRUE(decision.start);
  EXPECT_EQ(decision.attempt, 3);
  ASSERT_TRUE(decision.status.last_state.has_value());
  EXPECT_EQ(decision.status.last_state->reason, "Completed");
  // An agent that died before it was started finds what it had stored.
  previous_ = decision.status;
  decision = decide(view_);
  EXPECT_TRUE(decision.start);
  EXPECT_EQ(decision.attempt, 4);
}

TEST_F(DecideTest, ALostInitContainerThatWaitsForItsImageIsCountedOnce) {
  previous_.state = {.type = State::Type::kTerminated, .reason = "Completed"};
  view_.previous = &previous_;
  view_.restart_policy = "OnFailure";
  view_.sandbox_lost = true;
  view_.image = {nullptr, {"ContainerCreating", ""}};
  for (int pass = 0; pass < 3; ++pass) {
    previous_ = decide(view_).status;
    EXPECT_EQ(previous_.restart_count, 0);
  }
  view_.image.ready = std::make_shared<const ReadyImage>();
  const auto decision = decide(view_);
  EXPECT_TRUE(decision.start);
  EXPECT_EQ(decision.attempt, 1);
  EXPECT_EQ(decision.status.restart_count, 1);
}

TEST(InitializingStatus, KeepsWhatIsKnownOfEarlierStarts) {
  object::Container container;
  container.name = "web";
  EXPECT_EQ(initializing_status(container, nullptr).state.reason, "PodInitializing");
  object::ContainerStatus previous;
  previous.restart_count = 2;
  previous.ready = previous.started = true;
  previous.container_id = "duet://u-web-2";
  previous.state = {.type = State::Type::kRunning, .started_at = "2023-11-14T22:13:20Z"};
  auto status = initializing_status(container, &previous);
  EXPECT_EQ(status.restart_count, 2);
  EXPECT_FALSE(status.ready);
  EXPECT_EQ(status.state.reason, "PodInitializing");
  ASSERT_TRUE(status.last_state.has_value());
  EXPECT_EQ(status.last_state->exit_code, 137);
  // Told again, it is the same.
  EXPECT_EQ(initializing_status(container, &status), status);
}

TEST_F(DecideTest, OutOfMemoryIsNamed) {
  view_.child = exited(137, 5);
  view_.child->oom_killed = true;
  view_.restart_policy = "Never";
  EXPECT_EQ(decide(view_).status.state.reason, "OOMKilled");
}

TEST(CrashBackoff, DoublesUpToItsLimit) {
  const CrashBackoff backoff;
  EXPECT_EQ(backoff.delay_ms(0), 0);
  EXPECT_EQ(backoff.delay_ms(1), 10'000);
  EXPECT_EQ(backoff.delay_ms(3), 40'000);
  EXPECT_EQ(backoff.delay_ms(1000), 300'000);
}

}  // namespace
}  // namespace duet::pod
