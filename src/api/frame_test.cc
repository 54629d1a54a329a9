#include "api/frame.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <random>
#include <thread>

#include "sys/fd.h"

namespace duet::api {
namespace {

class FrameTest : public testing::Test {
 protected:
  FrameTest() {
    int pair[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    near_ = sys::Fd(pair[0]);
    far_ = sys::Fd(pair[1]);
  }
  sys::Fd near_;
  sys::Fd far_;
};

TEST_F(FrameTest, ArriveAsSent) {
  const std::string big(200'000, 'x');
  std::thread sender([&] {
    EXPECT_TRUE(send_frames(near_.get(), Channel::kStdout, "hello").ok());
    EXPECT_TRUE(send_frames(near_.get(), Channel::kStderr, big).ok());
    EXPECT_TRUE(send_frames(near_.get(), Channel::kClose, std::string_view("\0", 1)).ok());
    near_.reset();
  });
  FrameReader reader(far_.get(), "");
  EXPECT_EQ((*reader.next())->payload, "hello");
  std::string got;
  auto frame = reader.next();
  for (; frame.ok() && (*frame)->channel == Channel::kStderr; frame = reader.next()) {
    got += (*frame)->payload;
  }
  EXPECT_EQ(got, big);
  EXPECT_EQ((*frame)->channel, Channel::kClose);
  EXPECT_FALSE(reader.next()->has_value());
  sender.join();
}

TEST_F(FrameTest, NonsenseIsRefused) {
  FrameReader channel(far_.get(), std::string("\x09\0\0\0\0", 5));
  EXPECT_FALSE(channel.next().ok());
  FrameReader length(far_.get(), std::string("\x00\xff\xff\xff\xff", 5));
  EXPECT_FALSE(length.next().ok());
  near_.reset();
  FrameReader cut(far_.get(), std::string("\x00\0\0\0\x05"
                                          "ab",
                                          7));
  EXPECT_EQ(cut.next().error().code(), ErrorCode::kUnavailable);
}

TEST_F(FrameTest, RandomBytesNeverCrash) {
  near_.reset();
  std::mt19937 random(7);
  for (int round = 0; round < 2'000; ++round) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) {
      c = static_cast<char>(random() % 8 == 0 ? random() : random() % 5);
    }
    FrameReader reader(far_.get(), bytes);
    for (int i = 0; i < 20; ++i) {
      const auto frame = reader.next();
      if (!frame.ok() || !frame->has_value()) {
        break;
      }
    }
  }
}

TEST(Resize, IsReadStrictly) {
  EXPECT_EQ(parse_resize(format_resize({100, 40}))->columns, 100);
  for (const char* text : {"", "[]", "{}", R"({"Width":-1,"Height":2})",
                           R"({"Width":70000,"Height":2})", R"({"Width":"80","Height":2})"}) {
    EXPECT_FALSE(parse_resize(text).ok()) << text;
  }
}

}  // namespace
}  // namespace duet::api
