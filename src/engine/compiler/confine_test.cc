#include "engine/compiler/confine.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <optional>
#include <thread>

namespace duet::engine {
namespace {

Confinement confinement() {
  return {.user = geteuid() == 0 ? std::optional(UserId{65534, 65534}) : std::nullopt,
          .memory_bytes = std::uint64_t{1} << 40,
          .cpu_seconds = 10};
}

// What `probe` returns in a child that confined itself; -1 if it did not end properly.
int confined(const Confinement& bounds, const std::function<bool()>& probe) {
  const pid_t child = fork();
  if (child == 0) {
    if (!confine(bounds).ok()) {
      _exit(100);
    }
    _exit(probe() ? 1 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Confine, LeavesMemoryAndThreads) {
  EXPECT_EQ(confined(confinement(),
                     [] {
                       bool ran = false;
                       std::thread([&ran] { ran = true; }).join();
                       return ran && std::malloc(1 << 20) != nullptr;
                     }),
            1);
}

TEST(Confine, TakesFilesNetworkProcessesAndRoot) {
  EXPECT_EQ(confined(confinement(), [] { return open("/etc/passwd", O_RDONLY) >= 0; }), 0);
  EXPECT_EQ(confined(confinement(), [] { return socket(AF_UNIX, SOCK_STREAM, 0) >= 0; }), 0);
  EXPECT_EQ(confined(confinement(), [] { return socket(AF_INET, SOCK_STREAM, 0) >= 0; }), 0);
  EXPECT_EQ(confined(confinement(), [] { return fork() >= 0; }), 0);
  EXPECT_EQ(confined(confinement(), [] { return kill(getppid(), 0) == 0; }), 0);
  EXPECT_EQ(confined(confinement(), [] { return setuid(0) == 0; }), 0);
}

TEST(Confine, BoundsMemory) {
  Confinement bounds = confinement();
  bounds.memory_bytes = 100 << 20;
  const int got = confined(bounds, [] { return std::malloc(std::size_t{200} << 20) != nullptr; });
  EXPECT_EQ(got, kAddressSpaceIsBounded ? 0 : 1);
}

TEST(Confine, ReadsUsers) {
  EXPECT_EQ(parse_user("65534:100")->uid, 65534U);
  EXPECT_EQ(parse_user("65534:100")->gid, 100U);
  for (const std::string_view wrong :
       {"", "1", ":", "1:", ":1", "a:b", "1:2:3", "-1:1", "99999999999:1"}) {
    EXPECT_FALSE(parse_user(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace duet::engine
