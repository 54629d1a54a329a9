#include "net/http_date.h"

#include <gtest/gtest.h>

namespace duet::net {
namespace {

constexpr std::int64_t kThen = 784'111'777;
constexpr std::int64_t kNow = 1'780'000'000;  // 2026

TEST(HttpDate, ReadsTheThreeForms) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", kNow), kThen);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", kNow), kThen);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994", kNow), kThen);
  EXPECT_EQ(parse_http_date("Thursday, 01-Jan-26 00:00:00 GMT", kNow), 1'767'225'600);
  EXPECT_EQ(format_http_date(kThen), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(parse_http_date(format_http_date(kNow), kNow), kNow);
}

TEST(HttpDate, RefusesOthers) {
  for (const char* wrong :
       {"", "yesterday", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Now 1994 08:49:37 GMT",
        "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun Nov 6 08:49:37 1994", "784111777"}) {
    EXPECT_FALSE(parse_http_date(wrong, kNow)) << wrong;
  }
}

}  // namespace
}  // namespace duet::net
