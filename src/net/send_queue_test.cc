#include "net/send_queue.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>

#include "net/stream.h"
#include "sys/clock.h"

namespace duet::net {
namespace {

class SendQueueTest : public testing::Test {
 protected:
  // A stream that has something to say, and its other end.
  struct Pair {
    std::unique_ptr<Stream> stream;
    sys::Fd other;
  };

  Pair make_pair() {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    Pair pair{std::make_unique<Stream>(sys::Fd(ends[0]), buffers_), sys::Fd(ends[1])};
    pair.stream->out().append("hello");
    return pair;
  }

  static std::string heard(const Pair& pair) {
    std::array<char, 64> text{};
    const ssize_t got = read(pair.other.get(), text.data(), text.size());
    return got > 0 ? std::string(text.data(), static_cast<std::size_t>(got)) : "";
  }

  sys::ManualClock clock_{sys::WallTime{}};
  std::unique_ptr<EventLoop> loop_ = std::move(*EventLoop::create(clock_));
  BufferPool buffers_{4};
  SendQueue queue_{*loop_};
};

TEST_F(SendQueueTest, SendsAtTheEndOfTheRound) {
  const Pair one = make_pair();
  const Pair two = make_pair();
  queue_.add(*one.stream);
  queue_.add(*two.stream);
  queue_.add(*one.stream);  // waits already
  EXPECT_EQ(heard(one), "");
  EXPECT_EQ(heard(two), "");
  ASSERT_TRUE(loop_->run_once(0).ok());
  EXPECT_EQ(heard(one), "hello");
  EXPECT_EQ(heard(two), "hello");
  EXPECT_TRUE(one.stream->out().empty());
}

TEST_F(SendQueueTest, SendsAsSoonAsEnoughWait) {
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < SendQueue::kTogether; ++i) {
    pairs.push_back(make_pair());
    EXPECT_EQ(heard(pairs.front()), "");
    queue_.add(*pairs.back().stream);
  }
  for (const Pair& pair : pairs) {
    EXPECT_EQ(heard(pair), "hello");
  }
}

TEST_F(SendQueueTest, SendsWhenTheFirstHasWaitedForLong) {
  const Pair first = make_pair();
  const Pair soon = make_pair();
  const Pair late = make_pair();
  queue_.add(*first.stream);
  clock_.advance(std::chrono::nanoseconds(SendQueue::kWaitNs - 1));
  queue_.add(*soon.stream);
  EXPECT_EQ(heard(first), "");
  clock_.advance(std::chrono::nanoseconds(1));
  queue_.add(*late.stream);
  EXPECT_EQ(heard(first), "hello");
  EXPECT_EQ(heard(soon), "hello");
  EXPECT_EQ(heard(late), "hello");
}

TEST_F(SendQueueTest, WhoComesAfterwardsWaitsAnew) {
  const Pair first = make_pair();
  const Pair next = make_pair();
  queue_.add(*first.stream);
  queue_.send_all();
  clock_.advance(std::chrono::nanoseconds(SendQueue::kWaitNs));
  queue_.add(*next.stream);
  EXPECT_EQ(heard(next), "");
}

TEST_F(SendQueueTest, ForgetsAStreamThatIsDestroyed) {
  Pair gone = make_pair();
  const Pair stays = make_pair();
  queue_.add(*gone.stream);
  queue_.add(*stays.stream);
  gone.stream.reset();
  queue_.send_all();
  EXPECT_EQ(heard(gone), "");
  EXPECT_EQ(heard(stays), "hello");
}

}  // namespace
}  // namespace duet::net
