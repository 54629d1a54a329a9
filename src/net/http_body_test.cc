#include "net/http_body.h"

#include <gtest/gtest.h>

#include <string>

namespace duet::net {
namespace {

// The decoded body of `text` fed in pieces of `piece` bytes; "!" + reason if it is invalid, with
// "..." at the end if more is needed and "|rest" if something follows the end.
std::string decode(BodyDecoder decoder, const std::string& text, std::size_t piece) {
  std::string body;
  std::string buffered;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    buffered += text.substr(at, piece);
    for (;;) {
      const BodyDecoder::Step step = decoder.next(buffered);
      body += step.data;
      buffered.erase(0, step.consumed);
      if (step.state == BodyDecoder::State::kInvalid) {
        return "!";
      }
      if (step.state == BodyDecoder::State::kEnd) {
        for (const Field& field : decoder.trailers()) {
          body += "[" + std::string(field.name) + "=" + std::string(field.value) + "]";
        }
        return body + "|" + buffered + (at + piece < text.size() ? text.substr(at + piece) : "");
      }
      if (step.state == BodyDecoder::State::kNeedMore) {
        break;
      }
    }
  }
  return body + "...";
}

struct Case {
  const char* name;
  std::string text;
  std::string expected;
};

const Case kChunked[] = {
    {"empty", "0\r\n\r\n", "|"},
    {"two chunks", "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\nnext", "abc0123456789|next"},
    {"leading zeros", "0003\r\nabc\r\n000\r\n\r\n", "abc|"},
    {"extension", "3;name=value\r\nabc\r\n0;x\r\n\r\n", "abc|"},
    {"extension after space", "3 ;a\r\nabc\r\n0\r\n\r\n", "abc|"},
    {"space without extension", "3 \r\nabc\r\n0\r\n\r\n", "!"},
    {"trailers", "0\r\nX: a\r\nContent-Length: 3\r\nHost: h\r\nTE: x\r\n\r\n", "[X=a]|"},
    {"folded trailer", "0\r\nX: a\r\n b\r\n\r\n", "!"},
    {"bare LF after size", "3\nabc\r\n0\r\n\r\n", "!"},
    {"bare LF after data", "3\r\nabc\n0\r\n\r\n", "!"},
    {"bare LF at the end", "0\r\n\n", "!"},
    {"bare CR in extension", "3;a\rb\r\nabc\r\n0\r\n\r\n", "!"},
    {"NUL in extension", std::string("3;\0\r\nabc\r\n0\r\n\r\n", 15), "!"},
    {"chunk too long", "3\r\nabcd\r\n0\r\n\r\n", "!"},
    {"chunk too short", "3\r\nab\r\n0\r\n\r\n", "!"},
    {"sign", "+3\r\nabc\r\n0\r\n\r\n", "!"},
    {"minus", "-3\r\nabc\r\n0\r\n\r\n", "!"},
    {"0x", "0x3\r\nabc\r\n0\r\n\r\n", "!"},
    {"no size", "\r\nabc\r\n0\r\n\r\n", "!"},
    {"only an extension", ";a\r\n\r\n", "!"},
    {"overflow", "10000000000000003\r\nabc\r\n0\r\n\r\n", "!"},
    {"long extension", "3;" + std::string(2000, 'x') + "\r\nabc\r\n0\r\n\r\n", "!"},
    {"long trailer", "0\r\nX: " + std::string(9000, 'x') + "\r\n\r\n", "!"},
    {"incomplete", "5\r\nabc", "abc..."},
    {"incomplete end", "0\r\n", "..."},
};

TEST(BodyDecoder, DecodesChunksAsTheTableSays) {
  for (const Case& c : kChunked) {
    for (const std::size_t piece : {c.text.size(), std::size_t{1}, std::size_t{3}}) {
      SCOPED_TRACE(std::string(c.name) + " in pieces of " + std::to_string(piece));
      EXPECT_EQ(decode(BodyDecoder(Framing::kChunked, 0, {}), c.text, piece), c.expected);
    }
  }
}

TEST(BodyDecoder, CountsLengths) {
  EXPECT_EQ(decode(BodyDecoder(Framing::kLength, 3, {}), "abcnext", 7), "abc|next");
  EXPECT_EQ(decode(BodyDecoder(Framing::kLength, 3, {}), "abcnext", 2), "abc|next");
  EXPECT_EQ(decode(BodyDecoder(Framing::kLength, 3, {}), "ab", 2), "ab...");
  EXPECT_EQ(decode(BodyDecoder(Framing::kNone, 0, {}), "next", 4), "|next");
  EXPECT_EQ(decode(BodyDecoder(Framing::kUntilClose, 0, {}), "all", 2), "all...");
}

}  // namespace
}  // namespace duet::net
