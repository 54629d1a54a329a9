#include "net/proxy_protocol.h"

#include <gtest/gtest.h>

#include <string>

namespace duet::net {
namespace {

using State = ProxyHeader::State;
using std::string_literals::operator""s;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string kV4Ends = "\xc0\0\2\1\xc0\0\2\2\x12\x34\1\xbb"s;  // 192.0.2.1, 192.0.2.2

std::string v2(char command, char family, const std::string& rest) {
  return kSignature + command + family + static_cast<char>(rest.size() >> 8) +
         static_cast<char>(rest.size()) + rest;
}

// Every beginning of `header` is incomplete, and what follows it is left alone.
void expect_header(const std::string& header, const char* source) {
  for (std::size_t size = 0; size < header.size(); ++size) {
    EXPECT_EQ(parse_proxy_header(header.substr(0, size)).state, State::kIncomplete)
        << size << " of " << header;
  }
  for (const char* more : {"", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01"}) {
    const ProxyHeader parsed = parse_proxy_header(header + more);
    ASSERT_EQ(parsed.state, State::kDone) << header << ": " << parsed.problem;
    EXPECT_EQ(parsed.size_bytes, header.size());
    EXPECT_EQ(parsed.source, source == nullptr ? std::nullopt : IpAddress::parse(source)) << header;
  }
}

TEST(ProxyProtocol, ReadsVersion1) {
  expect_header("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n", "192.0.2.1");
  expect_header("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n", "2001:db8::1");
  expect_header("PROXY UNKNOWN\r\n", nullptr);
  expect_header("PROXY UNKNOWN ffff:: what ever 1 2\r\n", nullptr);
  expect_header("PROXY UNKNOWN " + std::string(107 - 16, 'x') + "\r\n", nullptr);
}

TEST(ProxyProtocol, RefusesWhatIsNotVersion1) {
  for (const std::string& wrong : {"PROXX"s,
                                   "GET / HTTP/1.1\r\n\r\n"s,
                                   "proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n"s,
                                   "PROXY  TCP4 1.1.1.1 2.2.2.2 1 2\r\n"s,
                                   "PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \r\n"s,
                                   "PROXY TCP4 1.1.1.1  2.2.2.2 1 2\r\n"s,
                                   "PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n"s,
                                   "PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n"s,
                                   "PROXY TCP4 ::1 ::2 1 2\r\n"s,
                                   "PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n"s,
                                   "PROXY TCP4 1.1.1 2.2.2.2 1 2\r\n"s,
                                   "PROXY TCP4 1.1.1.1 2.2.2.2 65536 2\r\n"s,
                                   "PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n"s,
                                   "PROXY TCP4 1.1.1.1 2.2.2.2 -1 2\r\n"s,
                                   "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n"s,
                                   "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\r\n"s,
                                   "PROXY TCP4 1.1.1.1\0 2.2.2.2 1 2\r\n"s,
                                   "PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n"s,
                                   "PROXY UNKNOWNS\r\n"s,
                                   "PROXY \r\n"s,
                                   "PROXY UNKNOWN " + std::string(107 - 15, 'x') + "\r\n"}) {
    const ProxyHeader parsed = parse_proxy_header(wrong);
    EXPECT_EQ(parsed.state, State::kInvalid) << wrong;
    EXPECT_FALSE(parsed.problem.empty());
  }
}

TEST(ProxyProtocol, ReadsVersion2) {
  expect_header(v2(0x21, 0x11, kV4Ends), "192.0.2.1");
  expect_header(
      v2(0x21, 0x21,
         "\x20\1\x0d\xb8"s + std::string(11, '\0') + "\1" + std::string(16, '\0') + "\0\1\0\2"s),
      "2001:db8::1");
  expect_header(v2(0x21, 0x11, kV4Ends + "\4\0\3abc"s), "192.0.2.1");  // a field behind
  expect_header(v2(0x20, 0x00, ""), nullptr);                          // LOCAL
  expect_header(v2(0x20, 0x11, kV4Ends), nullptr);
  expect_header(v2(0x20, 0x11, "x"), nullptr);
  expect_header(v2(0x21, 0x00, "whatever"), nullptr);
  expect_header(v2(0x21, 0x31, std::string(216, 'u')), nullptr);
  const ProxyHeader largest = parse_proxy_header(v2(0x21, 0x11, kV4Ends + std::string(65523, 't')));
  EXPECT_EQ(largest.state, State::kDone);
  EXPECT_EQ(largest.size_bytes, kProxyV2Bytes);
}

TEST(ProxyProtocol, RefusesWhatIsNotVersion2) {
  for (const std::string& wrong :
       {"\r\n\r\n\0\r\nQUIX"s, "\r\nGET"s, v2(0x11, 0x11, kV4Ends), v2(0x22, 0x11, kV4Ends),
        v2(0x21, 0x12, kV4Ends), v2(0x21, 0x10, kV4Ends), v2(0x21, 0x13, kV4Ends),
        v2(0x21, 0x41, kV4Ends), v2(0x21, 0x11, kV4Ends.substr(1)), v2(0x21, 0x21, kV4Ends),
        v2(0x21, 0x31, std::string(215, 'u'))}) {
    const ProxyHeader parsed = parse_proxy_header(wrong);
    EXPECT_EQ(parsed.state, State::kInvalid) << wrong;
    EXPECT_FALSE(parsed.problem.empty());
  }
}

}  // namespace
}  // namespace duet::net
