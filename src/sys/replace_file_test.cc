#include "sys/replace_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "sys/file.h"

namespace duet::sys {
namespace {

TEST(ReplaceFile, ReplacesTheFileAsAWhole) {
  const std::string root = make_temporary_directory("/tmp", "duet-replace-").value();
  const std::string path = root + "/a";
  ASSERT_TRUE(replace_file(path, "one").ok());
  const Fd before = open_file(path, O_RDONLY).value();
  ASSERT_TRUE(write_file(path + ".new", "left by one that was killed").ok());
  ASSERT_TRUE(replace_file(path, "two").ok());
  EXPECT_EQ(read_all(before.get(), 100).value(), "one") << "a reader keeps the file it opened";
  EXPECT_EQ(read_file(path, 100).value(), "two");
  EXPECT_EQ(list_directory(root).value(), std::vector<std::string>{"a"});
  EXPECT_FALSE(replace_file(root + "/none/a", "x").ok());
  EXPECT_TRUE(remove_tree(root).ok());
}

}  // namespace
}  // namespace duet::sys
