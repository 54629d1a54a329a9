#include "net/event_loop.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "sys/process.h"

namespace duet::net {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

struct TestTimer final : Timer {
  explicit TestTimer(std::string& log, char name) : log(log), name(name) {}
  void on_timer() override { log += name; }
  std::string& log;
  char name;
};

struct Loop {
  sys::ManualClock clock{sys::WallTime{}};
  std::unique_ptr<EventLoop> loop = std::move(*EventLoop::create(clock));
  void advance(std::int64_t seconds) {
    clock.advance(std::chrono::seconds(seconds));
    ASSERT_TRUE(loop->run_once(0).ok());
  }
};

TEST(EventLoop, FiresTimersInOrder) {
  Loop t;
  std::string log;
  TestTimer a(log, 'a'), b(log, 'b'), c(log, 'c'), d(log, 'd');
  t.loop->set_timer(c, 3 * kSecond);
  t.loop->set_timer(a, 1 * kSecond);
  t.loop->set_timer(b, 2 * kSecond);
  t.loop->set_timer(d, 2 * kSecond);
  t.loop->cancel_timer(d);
  t.advance(1);
  EXPECT_EQ(log, "a");
  t.loop->set_timer(b, 4 * kSecond);  // later than it stands in the heap
  t.advance(2);
  EXPECT_EQ(log, "ac");
  t.advance(2);
  EXPECT_EQ(log, "acb");
}

TEST(EventLoop, MovesTimersEarlierAndForgetsDestroyedOnes) {
  Loop t;
  std::string log;
  TestTimer a(log, 'a');
  {
    TestTimer gone(log, 'x');
    t.loop->set_timer(gone, kSecond);
    t.loop->set_timer(a, 9 * kSecond);
    t.loop->set_timer(a, kSecond);
  }
  t.advance(1);
  EXPECT_EQ(log, "a");
}

struct Reader final : IoHandler {
  void on_io(std::uint32_t events) override {
    ++calls;
    last = events;
    if (remove != nullptr) {
      loop->remove(remove_fd, *remove);
    }
  }
  int calls = 0;
  std::uint32_t last = 0;
  EventLoop* loop = nullptr;
  IoHandler* remove = nullptr;
  int remove_fd = -1;
};

TEST(EventLoop, DropsEventsOfRemovedHandlers) {
  Loop t;
  auto first = *sys::make_pipe();
  auto second = *sys::make_pipe();
  Reader a, b;
  a.loop = b.loop = t.loop.get();
  a.remove = &b;
  a.remove_fd = second.read.get();
  b.remove = &a;
  b.remove_fd = first.read.get();
  ASSERT_TRUE(t.loop->add(first.read.get(), a).ok());
  ASSERT_TRUE(t.loop->add(second.read.get(), b).ok());
  ASSERT_EQ(write(first.write.get(), "x", 1), 1);
  ASSERT_EQ(write(second.write.get(), "x", 1), 1);
  ASSERT_TRUE(t.loop->run_once(kSecond).ok());
  EXPECT_EQ(a.calls + b.calls, 1);
}

TEST(EventLoop, WakesFromAnotherThread) {
  sys::SystemClock clock;
  auto loop = std::move(*EventLoop::create(clock));
  std::thread waker([&] { loop->wake(); });
  EXPECT_TRUE(loop->run_once(-1).ok());
  waker.join();
}

struct Task final : Deferred {
  void run_deferred() override { ++runs; }
  int runs = 0;
};

TEST(EventLoop, RunsDeferredTasksOnce) {
  Loop t;
  Task task;
  t.loop->defer(task);
  t.loop->defer(task);
  t.advance(0);
  t.advance(0);
  EXPECT_EQ(task.runs, 1);
}

}  // namespace
}  // namespace duet::net
