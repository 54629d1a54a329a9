#include "sys/rename.h"

#include <gtest/gtest.h>

#include "sys/file.h"

namespace duet::sys {
namespace {

TEST(RenameTest, ExclusiveNeverOverwrites) {
  const std::string root = make_temporary_directory("/tmp", "duet-rename-").value();
  ASSERT_TRUE(write_file(root + "/a", "a").ok());
  ASSERT_TRUE(write_file(root + "/b", "b").ok());
  const Status refused = rename_exclusive(root + "/a", root + "/b");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kAlreadyExists) << refused.error().message();
  EXPECT_EQ(read_file(root + "/b", 10).value(), "b");
  EXPECT_TRUE(rename_exclusive(root + "/a", root + "/c").ok());
  EXPECT_TRUE(rename_over(root + "/c", root + "/b").ok());
  EXPECT_EQ(read_file(root + "/b", 10).value(), "a");
  EXPECT_FALSE(rename_over(root + "/missing", root + "/b").ok());
  EXPECT_TRUE(remove_tree(root).ok());
}

}  // namespace
}  // namespace duet::sys
