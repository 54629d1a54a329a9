#include "sys/randomness.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace duet::sys {
namespace {

TEST(RandomTest, UuidsAreVersionFourAndDiffer) {
  SystemRandom random;
  const std::regex shape("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string uuid = make_uuid(random);
    EXPECT_TRUE(std::regex_match(uuid, shape)) << uuid;
    EXPECT_TRUE(seen.insert(uuid).second) << uuid;
  }
}

TEST(RandomTest, TheSameSeedGivesTheSameBytes) {
  SeededRandom one(7);
  SeededRandom two(7);
  SeededRandom three(8);
  const std::string first = make_name_suffix(one, 10);
  EXPECT_EQ(first, make_name_suffix(two, 10));
  EXPECT_NE(first, make_name_suffix(three, 10));
  EXPECT_EQ(first.size(), 10u);
}

}  // namespace
}  // namespace duet::sys
