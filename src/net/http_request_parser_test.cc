#include "net/http_request_parser.h"

#include <gtest/gtest.h>

#include <string>

namespace duet::net {
namespace {

using State = ParseResult::State;

struct Case {
  const char* name;
  std::string text;
  int status;  // 0: accepted; -1: incomplete
};

std::string get(const std::string& lines) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n";
}

const Case kRequests[] = {
    {"simple", get(""), 0},
    {"empty line before", "\r\n" + get(""), 0},
    {"two empty lines before", "\r\n\r\n" + get(""), 400},
    {"1.0 without Host", "GET / HTTP/1.0\r\n\r\n", 0},
    {"1.1 without Host", "GET / HTTP/1.1\r\n\r\n", 400},
    {"1.9 is read as 1.1", "GET / HTTP/1.9\r\nHost: a\r\n\r\n", 0},
    {"2.0 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"lower case version", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
    {"two digits of version", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400},
    {"no version", "GET /\r\nHost: a\r\n\r\n", 400},
    {"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"space at the end", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
    {"tab as separator", "GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"space first", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"TLS hello", std::string("\x16\x03\x01\x02\x00", 5), 400},
    {"method with a bad byte", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"unknown method", "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 501},
    {"asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"asterisk with GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"absolute form", "GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"absolute form, no path", "GET http://b?q HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"absolute form, user info", "GET http://u@b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"absolute form, no host", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"other scheme", "GET ftp://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"relative target", "GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"fragment", "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"UTF-8 in target", "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"NUL in target", std::string("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 29), 400},
    {"bare LF after request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
    {"bare LF in a header", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400},
    {"bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
    {"bare CR in a header", get("X: a\rb\r\n"), 400},
    {"CR CR LF", get("X: a\r\r\n"), 400},
    {"NUL in a value", get(std::string("X: a\0b\r\n", 8)), 400},
    {"DEL in a value", get("X: a\x7f\r\n"), 400},
    {"tab in a value", get("X: a\tb\r\n"), 0},
    {"obs-text in a value", get("X: \xe4\r\n"), 0},
    {"empty value", get("X:\r\n"), 0},
    {"no colon", get("X\r\n"), 400},
    {"empty name", get(": x\r\n"), 400},
    {"space before the colon", get("X : a\r\n"), 400},
    {"tab before the colon", get("Content-Length\t: 0\r\n"), 400},
    {"folded line", get("X: a\r\n b\r\n"), 400},
    {"fold after request line", "GET / HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n", 400},
    {"two Hosts", get("Host: a\r\n"), 400},
    {"Host list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
    {"Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
    {"Host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
    {"Host with a port", "GET / HTTP/1.1\r\nHost: a:80\r\n\r\n", 0},
    {"Host with a bad port", "GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", 400},
    {"Host with a large port", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", 400},
    {"IPv6 Host", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 0},
    {"broken IPv6 Host", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
    {"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
    {"length", get("Content-Length: 5\r\n"), 0},
    {"two equal lengths", get("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
    {"two lengths", get("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
    {"length list", get("Content-Length: 5, 5\r\n"), 400},
    {"plus", get("Content-Length: +5\r\n"), 400},
    {"minus", get("Content-Length: -5\r\n"), 400},
    {"hexadecimal length", get("Content-Length: 0x5\r\n"), 400},
    {"length with a space", get("Content-Length: 5 5\r\n"), 400},
    {"empty length", get("Content-Length:\r\n"), 400},
    {"huge length", get("Content-Length: 99999999999999999999\r\n"), 400},
    {"chunked", get("Transfer-Encoding: chunked\r\n"), 0},
    {"Chunked", get("Transfer-Encoding: Chunked\r\n"), 0},
    {"chunked and length", get("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400},
    {"length and chunked", get("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400},
    {"chunked twice", get("Transfer-Encoding: chunked, chunked\r\n"), 400},
    {"chunked in two fields", get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
     400},
    {"identity beside chunked",
     get("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"), 400},
    {"gzip then chunked", get("Transfer-Encoding: gzip, chunked\r\n"), 501},
    {"chunked then gzip", get("Transfer-Encoding: chunked, gzip\r\n"), 400},
    {"identity", get("Transfer-Encoding: identity\r\n"), 400},
    {"xchunked", get("Transfer-Encoding: xchunked\r\n"), 400},
    {"quoted chunked", get("Transfer-Encoding: \"chunked\"\r\n"), 400},
    {"chunked with a parameter", get("Transfer-Encoding: chunked;q=1\r\n"), 400},
    {"vertical tab before chunked",
     get("Transfer-Encoding: \x0b"
         "chunked\r\n"),
     400},
    {"empty coding", get("Transfer-Encoding:\r\n"), 400},
    {"chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"unknown expectation", get("Expect: 200-ok\r\n"), 417},
    {"long target", "GET /" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
    {"endless target", "GET /" + std::string(40000, 'x'), 414},
    {"large head", get("X: " + std::string(40000, 'x') + "\r\n"), 431},
    {"endless head", "GET / HTTP/1.1\r\nX: " + std::string(40000, 'x'), 431},
    {"nothing", "", -1},
    {"half a head", "GET / HTTP/1.1\r\nHost: a\r\n", -1},
};

std::string many_fields(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) {
    lines += "X: y\r\n";
  }
  return get(lines);
}

TEST(RequestParser, AnswersAsTheTableSays) {
  for (const Case& c : kRequests) {
    SCOPED_TRACE(c.name);
    RequestParser parser({});
    RequestHead head;
    const ParseResult result = parser.parse(c.text, head);
    switch (c.status) {
      case 0:
        EXPECT_EQ(result.state, State::kDone) << result.reason;
        break;
      case -1:
        EXPECT_EQ(result.state, State::kIncomplete) << result.reason;
        break;
      default:
        EXPECT_EQ(result.state, State::kInvalid);
        EXPECT_EQ(result.status, c.status) << result.reason;
    }
  }
}

TEST(RequestParser, AnswersTheSameByteByByte) {
  for (const Case& c : kRequests) {
    SCOPED_TRACE(c.name);
    RequestParser parser({});
    RequestHead head;
    ParseResult result;
    for (std::size_t size = 1; size <= c.text.size(); ++size) {
      const std::string copy = c.text.substr(0, size);  // the buffer may move between calls
      result = parser.parse(copy, head);
      if (result.state != State::kIncomplete) {
        break;
      }
    }
    EXPECT_EQ(result.state == State::kInvalid, c.status > 0) << result.reason;
    if (c.status > 0) {
      EXPECT_EQ(result.status, c.status) << result.reason;
    }
  }
}

TEST(RequestParser, BoundsTheNumberOfFields) {
  RequestHead head;
  EXPECT_EQ(RequestParser({}).parse(many_fields(99), head).state, State::kDone);
  EXPECT_EQ(RequestParser({}).parse(many_fields(100), head).status, 431);
}

TEST(RequestParser, ReadsWhatItMeans) {
  RequestHead head;
  const std::string text =
      "POST http://shop.example:8080/a/b?c=d HTTP/1.1\r\nHost: other\r\nContent-Length: 12\r\n"
      "Expect: 100-Continue\r\nConnection: close, Upgrade\r\nupgrade: websocket\r\nX-Y:  z "
      "\r\n\r\nrest";
  const ParseResult result = RequestParser({}).parse(text, head);
  ASSERT_EQ(result.state, State::kDone) << result.reason;
  EXPECT_EQ(result.consumed, text.size() - 4);
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.authority, "shop.example:8080");
  EXPECT_EQ(head.path, "/a/b");
  EXPECT_EQ(head.query, "?c=d");
  EXPECT_EQ(head.framing, Framing::kLength);
  EXPECT_EQ(head.content_length, 12U);
  EXPECT_TRUE(head.expect_continue);
  EXPECT_TRUE(head.upgrade);
  EXPECT_FALSE(head.keep_alive);
  ASSERT_NE(head.find("x-y"), nullptr);
  EXPECT_EQ(head.find("x-y")->value, "z");
  EXPECT_EQ(head.find(FieldId::kHost)->value, "other");
}

TEST(RequestParser, KeepsAliveAsTheVersionSays) {
  const auto keep_alive = [](const std::string& text) {
    RequestHead head;
    EXPECT_EQ(RequestParser({}).parse(text, head).state, State::kDone);
    return head.keep_alive;
  };
  EXPECT_TRUE(keep_alive(get("")));
  EXPECT_FALSE(keep_alive(get("Connection: close\r\n")));
  EXPECT_FALSE(keep_alive("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keep_alive("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
}

}  // namespace
}  // namespace duet::net
