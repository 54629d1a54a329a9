#include "sys/read_lease.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "sys/file.h"

namespace duet::sys {
namespace {

class ReadLeaseTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = make_temporary_directory("/tmp", "duet-lease-").value();
    path_ = root_ + "/a";
    ASSERT_TRUE(write_file(path_, "x").ok());
    reader_ = open_file(path_, O_RDONLY).value();
  }
  void TearDown() override { EXPECT_TRUE(remove_tree(root_).ok()); }
  std::string root_;
  std::string path_;
  Fd reader_;
};

TEST_F(ReadLeaseTest, IsRefusedWhileSomebodyWrites) {
  {
    const Fd writer = open_file(path_, O_WRONLY).value();
    const auto refused = ReadLease::take(reader_.get());
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), ErrorCode::kConflict);
  }
  EXPECT_TRUE(ReadLease::take(reader_.get()).ok());
}

TEST_F(ReadLeaseTest, MakesWritersWait) {
  {
    const auto lease = ReadLease::take(reader_.get());
    ASSERT_TRUE(lease.ok());
    EXPECT_EQ(::open(path_.c_str(), O_WRONLY | O_TRUNC | O_NONBLOCK), -1);
    EXPECT_EQ(errno, EWOULDBLOCK);
  }
  EXPECT_TRUE(open_file(path_, O_WRONLY | O_TRUNC | O_NONBLOCK).ok());
}

}  // namespace
}  // namespace duet::sys
