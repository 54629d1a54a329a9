#include "sys/file_stamp.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "sys/file.h"

namespace duet::sys {
namespace {

namespace fs = std::filesystem;

class FileStampTest : public testing::Test {
 protected:
  ~FileStampTest() override { (void)remove_tree(folder_); }

  // Writes the file anew, with the time that it had.
  void replace(const std::string& text) const {
    const auto changed = fs::last_write_time(file_);
    ASSERT_TRUE(write_file_atomic(file_, text).ok());
    fs::last_write_time(file_, changed);
  }

  const std::string folder_ = *make_temporary_directory("/tmp", "duet-file-stamp-");
  const std::string file_ = folder_ + "/file";
};

TEST_F(FileStampTest, TellsAnotherFileOfTheSameTimeAndSize) {
  EXPECT_FALSE(FileStamp::of(file_));
  ASSERT_TRUE(write_file_atomic(file_, "one").ok());
  const auto before = FileStamp::of(file_);
  ASSERT_TRUE(before);
  EXPECT_EQ(FileStamp::of(file_), before);
  replace("two");
  const auto after = FileStamp::of(file_);
  EXPECT_EQ(after->modified_ns, before->modified_ns);
  EXPECT_EQ(after->size, before->size);
  EXPECT_NE(after, before);
}

TEST_F(FileStampTest, FollowsLinks) {
  ASSERT_TRUE(write_file_atomic(file_, "one").ok());
  fs::create_symlink("file", folder_ + "/link");
  const auto before = FileStamp::of(folder_ + "/link");
  EXPECT_EQ(before, FileStamp::of(file_));
  replace("two");
  EXPECT_NE(FileStamp::of(folder_ + "/link"), before);
}

}  // namespace
}  // namespace duet::sys
