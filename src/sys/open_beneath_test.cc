#include "sys/open_beneath.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

#include "sys/file.h"

namespace duet::sys {
namespace {

TEST(OpenBeneath, NeverLeavesTheFolder) {
  const std::string root = make_temporary_directory("/tmp", "duet-beneath-").value();
  ASSERT_TRUE(make_directories(root + "/served/sub").ok());
  ASSERT_TRUE(write_file(root + "/secret", "secret").ok());
  ASSERT_TRUE(write_file(root + "/served/sub/file", "file").ok());
  ASSERT_EQ(symlink("sub/file", (root + "/served/inside").c_str()), 0);
  ASSERT_EQ(symlink("../secret", (root + "/served/outside").c_str()), 0);
  ASSERT_EQ(symlink("/etc/passwd", (root + "/served/absolute").c_str()), 0);
  ASSERT_EQ(symlink("..", (root + "/served/up").c_str()), 0);
  const Fd folder = open_file(root + "/served", O_PATH | O_DIRECTORY).value();
  for (const char* fine : {"sub/file", "inside", "sub/../sub/file", "./inside"}) {
    const Fd fd = open_beneath(folder.get(), fine, O_RDONLY);
    ASSERT_TRUE(fd.valid()) << fine;
    EXPECT_EQ(read_all(fd.get(), 100).value(), "file");
    EXPECT_EQ(fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
  }
  for (const char* out : {"outside", "absolute", "up/secret", "../secret", "/etc/passwd"}) {
    EXPECT_FALSE(open_beneath(folder.get(), out, O_RDONLY).valid()) << out;
    EXPECT_EQ(errno, EXDEV) << out;
  }
  EXPECT_FALSE(open_beneath(folder.get(), "missing", O_RDONLY).valid());
  EXPECT_EQ(errno, ENOENT);
  EXPECT_TRUE(remove_tree(root).ok());
}

}  // namespace
}  // namespace duet::sys
