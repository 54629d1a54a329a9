#include "gateway/cgi_response.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace duet::gateway {
namespace {

using testing::HasSubstr;
using State = CgiResponseHead::State;

constexpr std::size_t kLimitBytes = 1000;

struct Read {
  State state = State::kMore;
  int status = 0;
  std::string fields;  // "name: value|" of each
  std::string body;
  std::string why;
  std::optional<std::uint64_t> length;
};

// Reads `text` in pieces of `step` bytes; what follows the head is the body.
Read read(std::string_view text, std::size_t step) {
  Read out;
  CgiResponseHead head(kLimitBytes);
  for (std::size_t at = 0; at < text.size() && out.state == State::kMore; at += step) {
    std::string piece(text.substr(at, step));  // gone after the call
    std::string_view data = piece;
    out.state = head.feed(data);
    out.body = std::string(data) + std::string(text.substr(std::min(at + step, text.size())));
  }
  if (out.state == State::kHead) {
    out.status = head.answer().status;
    for (const net::Field& field : head.answer().fields) {
      out.fields.append(field.name).append(": ").append(field.value).append("|");
    }
    if (head.answer().framing == net::Framing::kLength) {
      out.length = head.answer().content_length;
    }
  }
  out.why = head.why();
  return out;
}

// The same whatever the pieces.
Read read(std::string_view text) {
  const Read whole = read(text, text.size());
  for (const std::size_t step : {1U, 2U, 3U, 7U}) {
    const Read other = read(text, step);
    EXPECT_EQ(other.state, whole.state);
    EXPECT_EQ(other.fields, whole.fields);
    EXPECT_EQ(other.status, whole.status);
    if (whole.state == State::kHead) {
      EXPECT_EQ(other.body, whole.body);
    }
  }
  return whole;
}

TEST(CgiResponse, TakesADocument) {
  for (const char* text :
       {"Content-Type: text/plain\n\nbody\n", "Content-Type:text/plain\r\n\r\nbody\n",
        "Content-Type: \ttext/plain \t\n\r\nbody\n"}) {
    const Read got = read(text);
    ASSERT_EQ(got.state, State::kHead) << got.why;
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.fields, "Content-Type: text/plain|");
    EXPECT_EQ(got.body, "body\n");
    EXPECT_FALSE(got.length);
  }
}

TEST(CgiResponse, TakesStatusAndOtherFields) {
  const Read got = read(
      "status: 404 Not here\nX-One: 1\nset-cookie: a\nSet-Cookie: b\nX-Empty:\nContent-Length: "
      "3\n\nabc");
  ASSERT_EQ(got.state, State::kHead) << got.why;
  EXPECT_EQ(got.status, 404);
  EXPECT_EQ(got.fields, "X-One: 1|set-cookie: a|Set-Cookie: b|X-Empty: |");
  EXPECT_EQ(got.length, 3U);
  EXPECT_EQ(read("Status: 204\n\n").status, 204);
}

TEST(CgiResponse, ALocationIsForTheClient) {
  for (const char* where : {"https://other.test/", "/here?a=b"}) {
    const Read got = read(std::string("Location: ") + where + "\n\n");
    EXPECT_EQ(got.status, 302) << got.why;
    EXPECT_EQ(got.fields, std::string("Location: ") + where + "|");
  }
  EXPECT_EQ(read("Location: /made\nStatus: 201\nContent-Type: text/plain\n\n").status, 201);
}

TEST(CgiResponse, DropsWhatIsNotTheGuestsToSay) {
  const Read got = read(
      "Content-Type: text/plain\nTransfer-Encoding: chunked\nConnection: close, x-one\nKeep-Alive: "
      "1\n"
      "Upgrade: h2c\nTE: trailers\nTrailer: x\nProxy-Connection: close\nX-CGI-Any: 1\nX-One: "
      "1\n\n");
  ASSERT_EQ(got.state, State::kHead) << got.why;
  EXPECT_EQ(got.fields, "Content-Type: text/plain|X-One: 1|");
}

TEST(CgiResponse, RefusesWhatCouldBeReadInTwoWays) {
  using namespace std::string_view_literals;
  struct Case {
    std::string_view text;
    const char* why;
  };
  const Case cases[] = {
      {"\n"sv, "none of Content-Type"},
      {"\r\n\r\n"sv, "none of Content-Type"},
      {"X-One: 1\n\n"sv, "none of Content-Type"},
      {"<html>\n\n"sv, "\"<html>\" is no field"},
      {"HTTP/1.1 200 OK\nContent-Type: a/b\n\n"sv, "is no field"},
      {"Content-Type : a/b\n\n"sv, "is no field"},
      {": a/b\n\n"sv, "is no field"},
      {"Content-Type: a/b\n folded\n\n"sv, "is no field"},
      {"Content-Type: a/b\rX: y\n\n"sv, "control characters"},
      {"Content-Type: a/b\r\r\n\n"sv, "control characters"},
      {"Content-Type: a\0b\n\n"sv, "control characters"},
      {"X\0Y: a\n\n"sv, "is no field"},
      {"X Y: a\n\n"sv, "is no field"},
      {"Content-Type: a\x7f\n\n"sv, "control characters"},
      {"Content-Type: a/b\nContent-Type: c/d\n\n"sv, "Content-Type twice"},
      {"Status: 200\nStatus: 201\n\n"sv, "Status twice"},
      {"Location: /a\nLocation: /b\n\n"sv, "Location twice"},
      {"Status: 200\nContent-Length: 1\nContent-Length: 1\n\n"sv, "Content-Length twice"},
      {"Status: 200\nContent-Length: 1, 1\n\n"sv, "is no number"},
      {"Status: 200\nContent-Length: -1\n\n"sv, "is no number"},
      {"Status: 200\nContent-Length: 99999999999999999999\n\n"sv, "is no number"},
      {"Status: 200\nContent-Length:\n\n"sv, "is no number"},
      {"Status: 20\n\n"sv, "none between 200 and 599"},
      {"Status: 2000\n\n"sv, "none between 200 and 599"},
      {"Status: 100 Continue\n\n"sv, "none between 200 and 599"},
      {"Status: 101\n\n"sv, "none between 200 and 599"},
      {"Status: 600\n\n"sv, "none between 200 and 599"},
      {"Status: OK\n\n"sv, "none between 200 and 599"},
      {"Status:\n\n"sv, "none between 200 and 599"},
  };
  for (const Case& one : cases) {
    const Read got = read(one.text);
    EXPECT_EQ(got.state, State::kBad) << one.text;
    EXPECT_THAT(got.why, HasSubstr(one.why)) << one.text;
  }
}

TEST(CgiResponse, HeadsAreBounded) {
  EXPECT_EQ(read("Content-Type: " + std::string(kLimitBytes - 16, 'x') + "\n\n").state,
            State::kHead);
  EXPECT_THAT(read("Content-Type: " + std::string(kLimitBytes - 15, 'x') + "\n\n").why,
              HasSubstr("duet.edge/max-header-bytes (1000)"));
  EXPECT_EQ(read(std::string(kLimitBytes + 1, 'x')).state, State::kBad);
  std::string many = "Status: 200\n";
  for (int i = 0; i < 99; ++i) {
    many += "a:b\n";
  }
  EXPECT_EQ(read(many + "\n").state, State::kHead);
  EXPECT_THAT(read(many + "a:b\n\n").why, HasSubstr("more than 100 fields"));
}

TEST(CgiResponse, WhatIsToldCanBePrinted) {
  EXPECT_THAT(read("\x1b[31m\xff\n\n").why, HasSubstr("\"?[31m?\""));
}

}  // namespace
}  // namespace duet::gateway
