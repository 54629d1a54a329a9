#include "net/content_length.h"

#include <gtest/gtest.h>

namespace duet::net {
namespace {

TEST(ContentLength, IsDigitsAlone) {
  EXPECT_EQ(parse_content_length("0"), 0U);
  EXPECT_EQ(parse_content_length("007"), 7U);
  EXPECT_EQ(parse_content_length("999999999999999999"), 999'999'999'999'999'999U);
  for (const char* text : {"", "+1", "-1", " 1", "1 ", "0x1", "1,1", "1000000000000000000",
                           "0000000000000000001", "18446744073709551617"}) {
    EXPECT_EQ(parse_content_length(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace duet::net
