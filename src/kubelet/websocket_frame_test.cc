#include "kubelet/websocket_frame.h"

#include <gtest/gtest.h>

#include <random>

#include "kubelet/websocket_client_for_test.h"

namespace duet::kubelet {
namespace {

using State = WebSocketParsed::State;

TEST(WebSocketFrame, TheKeyIsAnsweredAsInTheRfc) {
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebSocketFrame, ReadsTheRfcsExample) {
  const auto hello = parse_websocket_frame("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
  ASSERT_EQ(hello.state, State::kDone);
  EXPECT_EQ(hello.opcode, WebSocketOpcode::kText);
  EXPECT_EQ(hello.payload, "Hello");
  EXPECT_TRUE(hello.last);
}

TEST(WebSocketFrame, AllLengthsAreReadAndWritten) {
  for (const std::size_t size : {0U, 1U, 125U, 126U, 65'535U, 65'536U, 1U << 20}) {
    const std::string data(size, 'x');
    const auto parsed = parse_websocket_frame(masked_frame(WebSocketOpcode::kBinary, data));
    ASSERT_EQ(parsed.state, State::kDone) << size;
    EXPECT_EQ(parsed.payload, data);
    EXPECT_EQ(websocket_head(WebSocketOpcode::kBinary, size).size(), size < 126      ? 2U
                                                                     : size < 65'536 ? 4U
                                                                                     : 10U);
  }
  EXPECT_EQ(websocket_head(WebSocketOpcode::kBinary, 256), std::string("\x82\x7e\x01\x00", 4));
  EXPECT_EQ(parse_websocket_frame(masked_frame(WebSocketOpcode::kBinary, "abc").substr(0, 8)).state,
            State::kIncomplete);
}

TEST(WebSocketFrame, RefusesWhatClientsMayNotSend) {
  const auto state = [](const std::string& text) { return parse_websocket_frame(text).state; };
  EXPECT_EQ(state(std::string("\x82\x01x", 3)), State::kInvalid);             // no mask
  EXPECT_EQ(state(std::string("\xc2\x81mmmmx", 7)), State::kInvalid);         // a reserved bit
  EXPECT_EQ(state(std::string("\x83\x81mmmmx", 7)), State::kInvalid);         // opcode 3
  EXPECT_EQ(state(std::string("\x09\x81mmmmx", 7)), State::kInvalid);         // a part of a ping
  EXPECT_EQ(state(std::string("\x89\xfe\x00\x7emmmm", 8)), State::kInvalid);  // a long ping
  EXPECT_EQ(state(std::string("\x82\xff\x00\x00\x00\x00\x00\x10\x00\x01", 10)), State::kInvalid);
}

TEST(WebSocketFrame, NoBytesCrashIt) {
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::size_t i = random() % 30; i > 0; --i) {
      text += static_cast<char>(random());
    }
    EXPECT_LE(parse_websocket_frame(text).consumed, text.size());
  }
}

}  // namespace
}  // namespace duet::kubelet
