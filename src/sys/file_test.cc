#include "sys/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace duet::sys {
namespace {

class FileTest : public testing::Test {
 protected:
  void SetUp() override { root_ = make_temporary_directory("/tmp", "duet-file-").value(); }
  void TearDown() override { EXPECT_TRUE(remove_tree(root_).ok()); }
  std::string root_;
};

TEST_F(FileTest, AtomicWriteReplacesAndLeavesNothingBeside) {
  const std::string path = root_ + "/a";
  ASSERT_TRUE(write_file_atomic(path, "one", 0600).ok());
  ASSERT_TRUE(write_file_atomic(path, "two", 0600).ok());
  EXPECT_EQ(read_file(path, 100).value(), "two");
  EXPECT_EQ(list_directory(root_).value(), std::vector<std::string>{"a"});
}

TEST_F(FileTest, ReadRefusesMoreThanTheLimit) {
  ASSERT_TRUE(write_file(root_ + "/big", std::string(101, 'x')).ok());
  EXPECT_EQ(read_file(root_ + "/big", 100).error().code(), ErrorCode::kExhausted);
  EXPECT_TRUE(read_file(root_ + "/big", 101).ok());
}

TEST_F(FileTest, ErrorsNameThePath) {
  const auto missing = read_file(root_ + "/missing", 1);
  EXPECT_EQ(missing.error().code(), ErrorCode::kNotFound);
  EXPECT_NE(missing.error().message().find("/missing"), std::string::npos);
}

TEST_F(FileTest, RemoveTreeDoesNotFollowLinks) {
  ASSERT_TRUE(make_directories(root_ + "/keep").ok());
  ASSERT_TRUE(write_file(root_ + "/keep/f", "x").ok());
  ASSERT_TRUE(make_directories(root_ + "/gone/deep/er").ok());
  ASSERT_EQ(::symlink((root_ + "/keep").c_str(), (root_ + "/gone/link").c_str()), 0);
  ASSERT_TRUE(remove_tree(root_ + "/gone").ok());
  EXPECT_FALSE(file_exists(root_ + "/gone"));
  EXPECT_TRUE(file_exists(root_ + "/keep/f"));
  EXPECT_TRUE(remove_tree(root_ + "/gone").ok());
}

TEST_F(FileTest, MakeDirectoriesRefusesAFileInTheWay) {
  ASSERT_TRUE(write_file(root_ + "/f", "").ok());
  EXPECT_FALSE(make_directories(root_ + "/f").ok());
  EXPECT_FALSE(make_directories(root_ + "/f/g").ok());
}

}  // namespace
}  // namespace duet::sys
