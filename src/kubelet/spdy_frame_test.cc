#include "kubelet/spdy_frame.h"

#include <gtest/gtest.h>

#include <random>

#include "kubelet/big_endian.h"

namespace duet::kubelet {
namespace {

using State = SpdyParsed::State;

std::string head(std::uint32_t first, std::uint32_t second) {
  std::string out;
  put_u32(out, first);
  put_u32(out, second);
  return out;
}

TEST(SpdyFrame, ReadsWhatItWrites) {
  const std::string sent = spdy_data(7, "hello", true) + "more";
  const auto data = parse_spdy_frame(sent);
  ASSERT_EQ(data.state, State::kDone);
  EXPECT_EQ(data.consumed, 13U);
  EXPECT_EQ(data.frame.type, SpdyType::kData);
  EXPECT_EQ(data.frame.stream, 7U);
  EXPECT_EQ(data.frame.flags, kSpdyFin);
  EXPECT_EQ(data.frame.payload, "hello");

  const std::string opened = spdy_syn_stream(3, "block", false);
  const auto syn = parse_spdy_frame(opened);
  EXPECT_EQ(syn.frame.type, SpdyType::kSynStream);
  EXPECT_EQ(syn.frame.stream, 3U);
  EXPECT_EQ(syn.frame.payload, "block");

  const std::string replied = spdy_syn_reply(3, "block");
  EXPECT_EQ(parse_spdy_frame(replied).frame.payload, "block");
  const auto reset = parse_spdy_frame(spdy_rst_stream(5, SpdyReset::kCancel));
  EXPECT_EQ(reset.frame.stream, 5U);
  EXPECT_EQ(reset.frame.number, 5U);
  EXPECT_EQ(parse_spdy_frame(spdy_ping(9)).frame.number, 9U);
  EXPECT_EQ(parse_spdy_frame(spdy_go_away(11)).frame.stream, 11U);
}

TEST(SpdyFrame, IsTheDraftsOnTheWire) {
  EXPECT_EQ(spdy_ping(1), std::string("\x80\x03\x00\x06\x00\x00\x00\x04\x00\x00\x00\x01", 12));
  EXPECT_EQ(spdy_data(1, "ab", true), std::string("\x00\x00\x00\x01\x01\x00\x00\x02"
                                                  "ab",
                                                  10));
}

TEST(SpdyFrame, WaitsForTheWholeFrame) {
  const std::string whole = spdy_data(1, "hello", false);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(parse_spdy_frame(std::string_view(whole).substr(0, size)).state, State::kIncomplete);
  }
}

TEST(SpdyFrame, RefusesWhatIsNone) {
  EXPECT_EQ(parse_spdy_frame("GET / HTTP/1.1\r\n").state, State::kInvalid);  // too long
  EXPECT_EQ(parse_spdy_frame(head(0x8002'0006, 4)).state, State::kInvalid);  // version 2
  EXPECT_EQ(parse_spdy_frame(head(0x8003'0000, 0)).state, State::kInvalid);
  EXPECT_EQ(parse_spdy_frame(head(0, 0)).state, State::kInvalid);
  EXPECT_EQ(parse_spdy_frame(head(0x8003'0006, 3) + "abc").state, State::kInvalid);
  EXPECT_EQ(parse_spdy_frame(head(0x8003'0003, 12) + std::string(12, 'x')).state, State::kInvalid);
  EXPECT_EQ(parse_spdy_frame(head(0x8003'0001, 9) + std::string(9, 'x')).state, State::kInvalid);
  EXPECT_EQ(parse_spdy_frame(head(0x8003'0001, 10) + std::string(10, '\0')).state, State::kInvalid);
  EXPECT_EQ(parse_spdy_frame(head(0x8003'0004, kSpdyControlBytes + 1)).state, State::kInvalid);
  EXPECT_EQ(parse_spdy_frame(head(1, kSpdyDataBytes + 1)).state, State::kInvalid);
  EXPECT_EQ(parse_spdy_frame(head(1, kSpdyDataBytes)).state, State::kIncomplete);
}

TEST(SpdyFrame, WhatItDoesNotKnowIsAFrameAllTheSame) {
  const auto settings = parse_spdy_frame(head(0x8003'0004, 4) + "abcd");
  EXPECT_EQ(settings.state, State::kDone);
  EXPECT_EQ(settings.consumed, 12U);
  EXPECT_EQ(parse_spdy_frame(head(0x8003'00ff, 1) + "a").state, State::kDone);
}

TEST(SpdyFrame, NoBytesCrashIt) {
  std::mt19937 random(5);
  for (int round = 0; round < 20'000; ++round) {
    std::string text = head(0x8003'0000 | random() % 12, random() % 16 << 24 | random() % 40);
    for (std::size_t i = random() % 40; i > 0; --i) {
      text += static_cast<char>(random());
    }
    const auto parsed = parse_spdy_frame(text);
    EXPECT_LE(parsed.consumed, text.size());
  }
}

}  // namespace
}  // namespace duet::kubelet
