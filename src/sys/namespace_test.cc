#include "sys/namespace.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "sys/fd.h"
#include "sys/file.h"

namespace duet::sys {
namespace {

class NamespaceTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::geteuid(), 0U) << "these tests need root";
    root_ = make_temporary_directory("/tmp", "duet-ns-").value();
  }
  void TearDown() override { EXPECT_TRUE(remove_tree(root_).ok()); }
  std::string root_;
};

// A socket that listens on the loopback, and its port.
Result<Fd> listen_on_loopback(uint16_t& port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::listen(fd.get(), 1) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return Error::from_errno("listen", errno);
  }
  port = ntohs(address.sin_port);
  return fd;
}

Status connect_to_loopback(uint16_t port) {
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return Error::from_errno("connect", errno);
  }
  return {};
}

TEST_F(NamespaceTest, HasALoopbackOfItsOwn) {
  const std::string path = root_ + "/net";
  ASSERT_FALSE(network_namespace_exists(path));
  const auto made = create_network_namespace(path);
  ASSERT_TRUE(made.ok()) << made.error().message();
  EXPECT_TRUE(network_namespace_exists(path));
  const auto id = network_namespace_id(path);
  ASSERT_TRUE(id.ok()) << id.error().message();
  EXPECT_NE(*id, network_namespace_id("/proc/self/ns/net").value());
  EXPECT_FALSE(network_namespace_id(root_).ok());
  EXPECT_EQ(create_network_namespace(path).error().code(), ErrorCode::kAlreadyExists);

  uint16_t port = 0;
  Fd listener;
  ASSERT_TRUE(in_network_namespace(path, [&]() -> Status {
                DUET_ASSIGN(listener, listen_on_loopback(port));
                return connect_to_loopback(port);
              }).ok());
  EXPECT_FALSE(connect_to_loopback(port).ok()) << "reached from outside";

  EXPECT_TRUE(remove_network_namespace(path).ok());
  EXPECT_FALSE(file_exists(path));
  EXPECT_TRUE(remove_network_namespace(path).ok());
}

TEST_F(NamespaceTest, RemovingATreeStopsAtABind) {
  ASSERT_TRUE(make_directories(root_ + "/keep").ok());
  ASSERT_TRUE(write_file(root_ + "/keep/file", "x").ok());
  ASSERT_TRUE(make_directories(root_ + "/gone/deep").ok());
  ASSERT_TRUE(bind_mount(root_ + "/keep", root_ + "/gone/deep", MountAccess::kReadWrite).ok());
  EXPECT_EQ(remove_tree(root_ + "/gone").error().code(), ErrorCode::kConflict);
  EXPECT_TRUE(file_exists(root_ + "/keep/file"));
  ASSERT_TRUE(unmount(root_ + "/gone/deep").ok());
  EXPECT_TRUE(remove_tree(root_ + "/gone").ok());
}

TEST_F(NamespaceTest, MissingNamespaceIsNotFound) {
  const auto status = in_network_namespace(root_ + "/missing", [] { return Status(); });
  EXPECT_EQ(status.error().code(), ErrorCode::kNotFound);
}

TEST_F(NamespaceTest, BindMountsAreReadOnlyWhenAsked) {
  ASSERT_TRUE(make_directories(root_ + "/from").ok());
  ASSERT_TRUE(make_directories(root_ + "/to").ok());
  ASSERT_TRUE(bind_mount(root_ + "/from", root_ + "/to", MountAccess::kReadOnly).ok());
  EXPECT_TRUE(is_mount_point(root_ + "/to").value());
  EXPECT_FALSE(is_mount_point(root_ + "/from").value());
  EXPECT_FALSE(write_file(root_ + "/to/f", "x").ok());
  EXPECT_TRUE(write_file(root_ + "/from/f", "x").ok());
  EXPECT_EQ(read_file(root_ + "/to/f", 10).value(), "x");
  EXPECT_TRUE(bind_mount(root_ + "/from", root_ + "/to", MountAccess::kReadWrite).ok());
  EXPECT_TRUE(write_file(root_ + "/to/g", "x").ok());
  EXPECT_TRUE(unmount(root_ + "/to").ok());  // both
  EXPECT_FALSE(is_mount_point(root_ + "/to").value());
  EXPECT_TRUE(unmount(root_ + "/to").ok());
  EXPECT_TRUE(unmount(root_ + "/missing").ok());
}

TEST_F(NamespaceTest, TmpfsHoldsNoMoreThanItsSize) {
  ASSERT_TRUE(make_directories(root_ + "/t").ok());
  ASSERT_TRUE(mount_tmpfs(root_ + "/t", 1 << 20, 0700).ok());
  EXPECT_TRUE(write_file(root_ + "/t/small", std::string(1000, 'x')).ok());
  EXPECT_EQ(write_file(root_ + "/t/big", std::string(2 << 20, 'x')).error().code(),
            ErrorCode::kExhausted);
  EXPECT_TRUE(unmount(root_ + "/t").ok());
}

}  // namespace
}  // namespace duet::sys
