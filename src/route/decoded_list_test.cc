#include "route/decoded_list.h"

#include <gtest/gtest.h>

namespace duet::route {
namespace {

// An object is its text; "?" cannot be read.
Result<std::string> decode(const std::string& json) {
  return json == "?" ? Result<std::string>(invalid("unreadable")) : Result<std::string>(json);
}

object::Object stored(const std::string& name, std::int64_t version, const std::string& json,
                      const std::string& uid = "u") {
  return {{object::Kind::kService, "shop", name}, uid, version, json};
}

using Texts = std::vector<std::string>;

class DecodedListTest : public testing::Test {
 protected:
  // What the list makes of `listed`, if it has to decode `decoded` of it.
  Texts take(const std::vector<object::Object>& listed, std::size_t decoded) {
    Texts texts = list_.take(listed);
    EXPECT_EQ(list_.decoded(), decoded);
    list_.keep(texts);
    return texts;
  }
  DecodedList<std::string> list_{decode, 8};
};

TEST_F(DecodedListTest, OnlyWhatChangedIsDecoded) {
  EXPECT_EQ(take({stored("a", 1, "A"), stored("b", 2, "B"), stored("d", 3, "D")}, 3),
            (Texts{"A", "B", "D"}));
  EXPECT_EQ(take({stored("a", 1, "A"), stored("b", 2, "B"), stored("d", 3, "D")}, 0),
            (Texts{"A", "B", "D"}));
  // One changed, one came, one went.
  EXPECT_EQ(take({stored("b", 4, "B2"), stored("c", 5, "C"), stored("d", 3, "D")}, 2),
            (Texts{"B2", "C", "D"}));
  EXPECT_EQ(take({}, 0), Texts());
}

TEST_F(DecodedListTest, AnotherObjectOfTheNameIsDecoded) {
  EXPECT_EQ(take({stored("a", 1, "A")}, 1), (Texts{"A"}));
  EXPECT_EQ(take({stored("a", 1, "B", "another")}, 1), (Texts{"B"}));
}

TEST_F(DecodedListTest, WhatCannotBeReadIsLeftOutAndTriedOnce) {
  const std::vector<object::Object> listed = {stored("a", 1, "A"), stored("b", 2, "?"),
                                              stored("c", 3, "C")};
  EXPECT_EQ(take(listed, 3), (Texts{"A", "C"}));
  EXPECT_EQ(take(listed, 0), (Texts{"A", "C"}));
  EXPECT_EQ(take({listed[0], stored("b", 4, "B"), listed[2]}, 1), (Texts{"A", "B", "C"}));
}

TEST_F(DecodedListTest, WhatWasNotGivenBackIsDecodedAnew) {
  EXPECT_EQ(take({stored("a", 1, "A")}, 1), (Texts{"A"}));
  EXPECT_EQ(list_.take({stored("a", 1, "A")}), (Texts{"A"}));
  EXPECT_EQ(take({stored("a", 1, "A")}, 1), (Texts{"A"}));
}

TEST_F(DecodedListTest, WhatIsTooMuchIsNotKept) {
  const std::vector<object::Object> much = {stored("a", 1, "AAAAA"), stored("b", 2, "BBBBB")};
  EXPECT_EQ(take(much, 2), (Texts{"AAAAA", "BBBBB"}));
  EXPECT_EQ(take(much, 2), (Texts{"AAAAA", "BBBBB"}));
  EXPECT_EQ(take({much[0]}, 1), (Texts{"AAAAA"}));
  EXPECT_EQ(take({much[0]}, 0), (Texts{"AAAAA"}));
}

}  // namespace
}  // namespace duet::route
