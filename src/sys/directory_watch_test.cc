#include "sys/directory_watch.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <cstdio>

#include "sys/file.h"

namespace duet::sys {
namespace {

class DirectoryWatchTest : public testing::Test {
 protected:
  void SetUp() override { root_ = make_temporary_directory("/tmp", "duet-watch-").value(); }
  void TearDown() override { EXPECT_TRUE(remove_tree(root_).ok()); }
  void round(std::initializer_list<std::string> folders) {
    watch_.begin_round();
    for (const std::string& folder : folders) {
      const Status added = watch_.add(folder);
      EXPECT_TRUE(added.ok()) << added.error().message();
    }
    watch_.end_round();
  }
  bool happens() {
    pollfd poll_fd{watch_.fd(), POLLIN, 0};
    return ::poll(&poll_fd, 1, 10'000) == 1 && watch_.drain();
  }
  std::string root_;
  DirectoryWatch watch_ = DirectoryWatch::open().value();
};

TEST_F(DirectoryWatchTest, TellsOfEveryKindOfChange) {
  round({root_});
  EXPECT_FALSE(watch_.drain());
  ASSERT_TRUE(write_file(root_ + "/a", "1").ok());
  EXPECT_TRUE(happens());
  ASSERT_EQ(std::rename((root_ + "/a").c_str(), (root_ + "/b").c_str()), 0);
  EXPECT_TRUE(happens());
  ASSERT_EQ(::unlink((root_ + "/b").c_str()), 0);
  EXPECT_TRUE(happens());
  EXPECT_FALSE(watch_.drain());
}

TEST_F(DirectoryWatchTest, ForgetsFoldersAndFindsThemAgain) {
  const std::string folder = root_ + "/d";
  ASSERT_TRUE(make_directories(folder).ok());
  round({folder});
  round({root_});
  EXPECT_FALSE(watch_.drain());
  ASSERT_TRUE(write_file(folder + "/a", "1").ok());
  EXPECT_FALSE(watch_.drain());
  ASSERT_TRUE(remove_tree(folder).ok());
  ASSERT_TRUE(make_directories(folder).ok());
  EXPECT_TRUE(happens());
  round({root_, folder});
  watch_.drain();
  ASSERT_TRUE(write_file(folder + "/a", "1").ok());
  EXPECT_TRUE(happens());
}

TEST_F(DirectoryWatchTest, RefusesWhatIsNoFolder) {
  ASSERT_TRUE(write_file(root_ + "/f", "").ok());
  EXPECT_FALSE(watch_.add(root_ + "/f").ok());
  EXPECT_EQ(watch_.add(root_ + "/none").error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace duet::sys
