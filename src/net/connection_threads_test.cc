#include "net/connection_threads.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http_stream.h"
#include "net/socket.h"
#include "sys/file.h"

namespace duet::net {
namespace {

std::string read_some(int fd) {
  char bytes[100];
  const ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
  return got > 0 ? std::string(bytes, static_cast<std::size_t>(got)) : std::string();
}

class ConnectionThreadsTest : public testing::Test {
 protected:
  void start(std::size_t limit) {
    sys::Fd listener = std::move(*listen_tcp(*make_address("127.0.0.1", 0)));
    address_ = *local_address(listener.get());
    // Echoes until its client ends.
    const auto serve = [](const sys::Fd& socket) {
      for (std::string got = read_some(socket.get()); !got.empty(); got = read_some(socket.get())) {
        (void)send_all(socket.get(), got);
      }
    };
    const auto refuse = [](const sys::Fd& socket) { (void)send_all(socket.get(), "full"); };
    server_ = std::move(*ConnectionThreads::start(
        std::move(listener), {.connection_limit = limit, .serve = serve, .refuse = refuse}));
  }
  sys::Fd connect() { return std::move(*connect_tcp(address_, 30'000)); }
  static std::string ask(int fd, const std::string& text) {
    (void)send_all(fd, text);
    return read_some(fd);
  }

  SocketAddress address_;
  std::unique_ptr<ConnectionThreads> server_;
};

TEST_F(ConnectionThreadsTest, ServesSideBySideUpToTheLimit) {
  start(2);
  const sys::Fd first = connect();
  EXPECT_EQ(ask(first.get(), "a"), "a");
  sys::Fd second = connect();
  EXPECT_EQ(ask(second.get(), "b"), "b");
  const sys::Fd third = connect();
  EXPECT_EQ(read_some(third.get()), "full");
  EXPECT_EQ(ask(first.get(), "c"), "c");
}

TEST_F(ConnectionThreadsTest, APlaceIsFreeAgainWhenItsClientIsGone) {
  start(1);
  for (int i = 0; i < 3; ++i) {
    sys::Fd client = connect();
    EXPECT_EQ(ask(client.get(), "a"), "a");
    shutdown(client.get(), SHUT_WR);
    EXPECT_EQ(read_some(client.get()), "");  // its thread is over
  }
}

TEST_F(ConnectionThreadsTest, EndsWhileClientsWait) {
  start(2);
  const sys::Fd client = connect();
  EXPECT_EQ(ask(client.get(), "a"), "a");
  server_.reset();
  EXPECT_EQ(read_some(client.get()), "");
}

}  // namespace
}  // namespace duet::net
