#include "net/connection_threads.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
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

// The process may have so many more descriptors than it has, while this lives.
class SpareDescriptors {
 public:
  explicit SpareDescriptors(rlim_t spare) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const sys::Fd next(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));  // the lowest that is free
    const rlimit few{.rlim_cur = static_cast<rlim_t>(next.get()) + spare,
                     .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
  }
  ~SpareDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  SpareDescriptors(const SpareDescriptors&) = delete;
  SpareDescriptors& operator=(const SpareDescriptors&) = delete;

 private:
  rlimit before_{};
};

double process_cpu_ms() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

// A client whose descriptor is there before it connects.
sys::Fd unconnected() { return sys::Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); }
bool connect_to(const sys::Fd& client, const SocketAddress& address) {
  return connect(client.get(), address.raw(), address.size) == 0;
}

TEST_F(ConnectionThreadsTest, WithoutDescriptorsClientsWaitAndNothingSpins) {
  constexpr int kWhileMs = 500;
  start(2);
  const sys::Fd client = unconnected();
  {
    const SpareDescriptors none(0);
    ASSERT_TRUE(connect_to(client, address_));
    const double before_ms = process_cpu_ms();
    pollfd polled{.fd = client.get(), .events = POLLIN};
    EXPECT_EQ(poll(&polled, 1, kWhileMs), 0);
    EXPECT_LT(process_cpu_ms() - before_ms, kWhileMs / 5.0);
  }
  EXPECT_EQ(ask(client.get(), "a"), "a");
}

TEST_F(ConnectionThreadsTest, AClientThatCannotBeEndedIsNotServed) {
  start(2);
  const sys::Fd client = unconnected();
  {
    const SpareDescriptors for_its_socket(1);
    ASSERT_TRUE(connect_to(client, address_));
    EXPECT_EQ(ask(client.get(), "a"), "");
  }
  EXPECT_EQ(ask(connect().get(), "b"), "b");
}

}  // namespace
}  // namespace duet::net
