#include "sys/tcp_sockets.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/file.h"
#include "sys/namespace.h"

namespace duet::sys {
namespace {

TEST(TcpSockets, CountsThoseThatAreInUse) {
  constexpr char kHead[] = "  sl  local_address rem_address   st tx_queue rx_queue tr\n";
  EXPECT_EQ(count_tcp_sockets_in(""), 0U);
  EXPECT_EQ(count_tcp_sockets_in(kHead), 0U);
  const auto in_state = [&](const std::string& state) {
    return count_tcp_sockets_in(kHead + ("   0: 0100007F:1F90 00000000:0000 " + state + " 0:0\n"));
  };
  for (const char* used : {"0A", "01", "03", "04", "08", "09"}) {
    EXPECT_EQ(in_state(used), 1U) << used;
  }
  for (const char* over : {"05", "06", "07"}) {
    EXPECT_EQ(in_state(over), 0U) << over;
  }
}

TEST(TcpSockets, AreThoseOfTheNamespace) {
  ASSERT_EQ(::geteuid(), 0U) << "this test needs root";
  const std::string root = make_temporary_directory("/tmp", "duet-tcp-").value();
  const std::string path = root + "/net";
  ASSERT_TRUE(create_network_namespace(path).ok());
  EXPECT_EQ(count_tcp_sockets(path).value(), 0U);
  Fd listener;
  ASSERT_TRUE(in_network_namespace(path, [&]() -> Status {
                listener.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
                sockaddr_in any{};
                any.sin_family = AF_INET;
                return ::bind(listener.get(), reinterpret_cast<sockaddr*>(&any), sizeof any) == 0 &&
                               ::listen(listener.get(), 1) == 0
                           ? Status()
                           : Error::from_errno("listen", errno);
              }).ok());
  EXPECT_EQ(count_tcp_sockets(path).value(), 1U);
  listener.reset();
  EXPECT_EQ(count_tcp_sockets(path).value(), 0U);
  EXPECT_TRUE(remove_network_namespace(path).ok());
  EXPECT_FALSE(count_tcp_sockets(path).ok());
  EXPECT_TRUE(remove_tree(root).ok());
}

}  // namespace
}  // namespace duet::sys
