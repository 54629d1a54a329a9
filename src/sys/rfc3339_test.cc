#include "sys/rfc3339.h"

#include <gtest/gtest.h>

namespace duet::sys {
namespace {

TEST(Rfc3339Test, ReadsWhatIsWritten) {
  const WallTime time(std::chrono::seconds(1'800'000'000));
  EXPECT_EQ(parse_rfc3339(format_rfc3339(time)), time);
  const WallTime fine = time + std::chrono::nanoseconds(123'456'789);
  EXPECT_EQ(parse_rfc3339(format_rfc3339_nano(fine)), fine);
  EXPECT_EQ(parse_rfc3339("2027-01-15T09:30:00.25+01:30"), time + std::chrono::milliseconds(250));
  EXPECT_EQ(parse_rfc3339("2027-01-15t07:00:00-01:00"), time);
}

TEST(Rfc3339Test, RefusesTheRest) {
  for (const char* text : {"", "2027", "2027-01-15", "2027-13-15T08:00:00Z", "2027-02-30T08:00:00Z",
                           "2027-01-15T24:00:00Z", "2027-01-15T08:00:00", "2027-01-15T08:00:00.Z",
                           "2027-01-15T08:00:00Zx", "2027-01-15T08:00:00+1", "2027-01-15 08:00:00Z",
                           "-027-01-15T08:00:00Z"}) {
    EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace duet::sys
