#include <gtest/gtest.h>

#include "cli/duration.h"
#include "cli/image_options.h"
#include "cli/table.h"
#include "sys/rfc3339.h"

namespace duet::cli {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(HumanDuration, GetsCoarserWithTime) {
  EXPECT_EQ(human_duration(seconds(0)), "0s");
  EXPECT_EQ(human_duration(seconds(-1)), "0s");
  EXPECT_EQ(human_duration(seconds(-5)), "<unknown>");
  EXPECT_EQ(human_duration(seconds(119)), "119s");
  EXPECT_EQ(human_duration(seconds(120)), "2m");
  EXPECT_EQ(human_duration(seconds(130)), "2m10s");
  EXPECT_EQ(human_duration(minutes(11)), "11m");
  EXPECT_EQ(human_duration(hours(2) + minutes(30)), "150m");
  EXPECT_EQ(human_duration(hours(3) + minutes(5)), "3h5m");
  EXPECT_EQ(human_duration(hours(20)), "20h");
  EXPECT_EQ(human_duration(hours(53)), "2d5h");
  EXPECT_EQ(human_duration(hours(24 * 30)), "30d");
  EXPECT_EQ(human_duration(hours(24 * 365 * 3)), "3y");
  EXPECT_EQ(human_duration(hours(24 * 365 * 9)), "9y");
}

TEST(AgeOf, NeedsATime) {
  const auto now = *sys::parse_rfc3339("2026-01-31T12:00:30Z");
  EXPECT_EQ(age_of("2026-01-31T12:00:00Z", now), "30s");
  EXPECT_EQ(age_of("", now), "<unknown>");
  EXPECT_EQ(age_of("yesterday", now), "<unknown>");
}

TEST(ParseDuration, TakesGosForms) {
  EXPECT_EQ(parse_duration("90s").value(), seconds(90));
  EXPECT_EQ(parse_duration("1h30m").value(), minutes(90));
  EXPECT_EQ(parse_duration("1.5s").value(), std::chrono::milliseconds(1500));
  EXPECT_EQ(parse_duration("0").value(), seconds(0));
  for (const char* text :
       {"", "5", "s", "5x", "-5s", "1h5", "1e9h", "99999999999999h", "nan", "infs"}) {
    EXPECT_FALSE(parse_duration(text).ok()) << text;
  }
}

TEST(Table, IsAsWideAsItsWidestCells) {
  EXPECT_EQ(format_table({{"NAME", "AGE"}, {"grün", "3s"}, {"longer", ""}}),
            "NAME     AGE\ngrün     3s\nlonger\n");
  EXPECT_EQ(format_table({}), "");
}

TEST(GrowingTable, CanMakeRoomBefore) {
  GrowingTable table;
  table.widen({"longer", "x"});
  EXPECT_EQ(table.format({"a", "b"}), "a        b\n");
}

TEST(GrowingTable, NeverShrinks) {
  GrowingTable table;
  EXPECT_EQ(table.format({"a", "b"}), "a   b\n");
  EXPECT_EQ(table.format({"long", "b"}), "long   b\n");
  EXPECT_EQ(table.format({"a", "b"}), "a      b\n");
}

TEST(HumanSize, CountsAsRegistriesDo) {
  EXPECT_EQ(human_size(0), "0 B");
  EXPECT_EQ(human_size(999), "999 B");
  EXPECT_EQ(human_size(1500), "1.5 kB");
  EXPECT_EQ(human_size(123'400'000), "123 MB");
}

}  // namespace
}  // namespace duet::cli
