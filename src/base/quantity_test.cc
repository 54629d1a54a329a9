#include "base/quantity.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace duet {
namespace {

TEST(Quantity, ReadsThousandths) {
  EXPECT_EQ(*parse_quantity_millis("100m"), 100);
  EXPECT_EQ(*parse_quantity_millis("0.5"), 500);
  EXPECT_EQ(*parse_quantity_millis("2"), 2000);
  EXPECT_EQ(*parse_quantity_millis(".25"), 250);
  EXPECT_EQ(*parse_quantity_millis("1e3"), 1000000);
  EXPECT_EQ(*parse_quantity_millis("+1.5"), 1500);
}

TEST(Quantity, ReadsWholeUnits) {
  EXPECT_EQ(*parse_quantity("64Mi"), 64 << 20);
  EXPECT_EQ(*parse_quantity("1.5Gi"), 1610612736);
  EXPECT_EQ(*parse_quantity("1e3"), 1000);
  EXPECT_EQ(*parse_quantity("1E3"), 1000);
  EXPECT_EQ(*parse_quantity("1E"), 1000000000000000000);
  EXPECT_EQ(*parse_quantity("12e-1"), 2);
  EXPECT_EQ(*parse_quantity("5k"), 5000);
  EXPECT_EQ(*parse_quantity("7Ei"), int64_t{7} << 60);
  EXPECT_EQ(*parse_quantity("-3"), -3);
  EXPECT_EQ(*parse_quantity("0"), 0);
  EXPECT_EQ(*parse_quantity("000000000000000000000000000001"), 1);
}

TEST(Quantity, RoundsUp) {
  EXPECT_EQ(*parse_quantity("100m"), 1);
  EXPECT_EQ(*parse_quantity("0.1"), 1);
  EXPECT_EQ(*parse_quantity("1.00000000000000000000000000000000001"), 2);
  EXPECT_EQ(*parse_quantity_millis("1n"), 1);
  EXPECT_EQ(*parse_quantity("1e-900"), 1);
}

TEST(Quantity, RefusesWhatIsNone) {
  for (const char* text :
       {"",    ".",  "+",  "-",    "Mi",     "1Mb", "1MiB", "1e",  "1e+", "1e+-3", "1.2.3",
        "one", " 1", "1 ", "0x10", "1e9999", "1K",  "1i",   "--1", "inf", "nan"}) {
    auto result = parse_quantity(text);
    ASSERT_FALSE(result.ok()) << text;
    EXPECT_EQ(result.error().code(), ErrorCode::kInvalid) << text;
    EXPECT_NE(result.error().message().find("is not a quantity"), std::string::npos);
  }
}

TEST(Quantity, RefusesWhatDoesNotFit) {
  EXPECT_EQ(*parse_quantity("9223372036854775807"), std::numeric_limits<int64_t>::max());
  for (const char* text : {"9223372036854775808", "8Ei", "1e19", "1e900", "99999E",
                           "99999999999999999999999999999999999999999999"}) {
    auto result = parse_quantity(text);
    ASSERT_FALSE(result.ok()) << text;
    EXPECT_EQ(result.error().code(), ErrorCode::kExhausted) << text;
  }
}

}  // namespace
}  // namespace duet
