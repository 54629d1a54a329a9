#include "gateway/http2_body.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace duet::gateway {
namespace {

// Without trailers no session is needed.
class Http2BodyTest : public testing::Test {
 protected:
  std::string read(std::size_t size) {
    std::array<std::uint8_t, 16> into{};
    flags_ = 0;
    taken_ = body_.read(nullptr, 1, into.data(), size, flags_);
    return {reinterpret_cast<const char*>(into.data()),
            static_cast<std::size_t>(std::max<ssize_t>(taken_, 0))};
  }
  net::BufferPool pool_{1};
  Http2Body body_{pool_};
  ssize_t taken_ = 0;
  std::uint32_t flags_ = 0;
};

TEST_F(Http2BodyTest, GivesWhatThereIsAndEndsWithTheLastOfIt) {
  body_.append("hello");
  EXPECT_EQ(read(3), "hel");
  body_.finish({});
  EXPECT_EQ(flags_, 0U);
  EXPECT_EQ(read(16), "lo");
  EXPECT_EQ(flags_, NGHTTP2_DATA_FLAG_EOF);
}

TEST_F(Http2BodyTest, AnEmptyBodyEndsAtOnce) {
  EXPECT_FALSE(body_.waits());
  body_.finish({});
  EXPECT_TRUE(body_.waits());
  EXPECT_EQ(read(16), "");
  EXPECT_EQ(taken_, 0);
  EXPECT_FALSE(body_.waits());
  EXPECT_EQ(flags_, NGHTTP2_DATA_FLAG_EOF);
}

TEST_F(Http2BodyTest, ToldOnceThatThereIsMore) {
  EXPECT_FALSE(body_.end_wait());
  EXPECT_EQ(read(16), "");
  EXPECT_EQ(taken_, NGHTTP2_ERR_DEFERRED);
  EXPECT_TRUE(body_.end_wait());
  EXPECT_FALSE(body_.end_wait());
}

}  // namespace
}  // namespace duet::gateway
