#include "oci/confine.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <thread>

#include "oci/fixture_test.h"
#include "oci/layout_folder.h"
#include "sys/file.h"

namespace duet::oci {
namespace {

constexpr uid_t kNobody = 65534;

// Runs `body` in a child and returns what it returned: what it gives up is given up there only.
int in_child(const std::function<int()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::_exit(body());
  }
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(Confine, RootIsGivenUpForGood) {
  ASSERT_EQ(::geteuid(), 0U) << "run this test as root";
  EXPECT_EQ(in_child([] {
              if (!drop_privileges(kNobody, kNobody, 1000).ok()) {
                return 1;
              }
              if (::getuid() != kNobody || ::getegid() != kNobody || ::getgroups(0, nullptr) != 0) {
                return 2;
              }
              if (::setuid(0) == 0 || ::open("/etc/shadow", O_RDONLY | O_CLOEXEC) >= 0) {
                return 3;
              }
              rlimit files{};
              ::getrlimit(RLIMIT_FSIZE, &files);
              return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && files.rlim_max == 1000 ? 0
                                                                                             : 4;
            }),
            0);
}

TEST(Confine, OnlyOneFolderCanBeWritten) {
  const TemporaryFolder folder;
  ASSERT_TRUE(sys::make_directories(folder / "in").ok());
  ASSERT_TRUE(sys::make_directories(folder / "out").ok());
  const auto inside = open_folder(folder / "in");
  const auto outside = open_folder(folder / "out");
  ASSERT_TRUE(inside.ok() && outside.ok());
  constexpr int kNew = O_WRONLY | O_CREAT | O_CLOEXEC;
  EXPECT_EQ(in_child([&] {
              if (!drop_privileges(0, 0, 1000).ok() || !confine_writes(inside->get()).ok()) {
                return 1;
              }
              if (::openat(inside->get(), "file", kNew, 0600) < 0) {
                return 2;
              }
              return ::openat(outside->get(), "file", kNew, 0600) < 0 && errno == EACCES ? 0 : 3;
            }),
            0);
  EXPECT_EQ(in_child([&] {
              return drop_privileges(0, 0, 1000).ok() && confine_writes(-1).ok() &&
                             ::openat(inside->get(), "other", kNew, 0600) < 0
                         ? 0
                         : 1;
            }),
            0);
}

TEST(Confine, ThreadsButNoProcesses) {
  EXPECT_EQ(in_child([] {
              if (!drop_privileges(kNobody, kNobody, 1000).ok() || !forbid_processes().ok()) {
                return 1;
              }
              if (::fork() != -1 || errno != EPERM) {
                return 2;
              }
              char* const argv[] = {const_cast<char*>("true"), nullptr};
              if (::execv("/bin/true", argv) != -1 || errno != EPERM) {
                return 3;
              }
              int answer = 4;
              std::thread([&] { answer = 0; }).join();
              return answer;
            }),
            0);
}

TEST(Confine, NoNetwork) {
  EXPECT_EQ(in_child([] {
              if (!drop_privileges(kNobody, kNobody, 1000).ok() || !forbid_network().ok()) {
                return 1;
              }
              return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) == -1 && errno == EPERM ? 0
                                                                                              : 2;
            }),
            0);
}

}  // namespace
}  // namespace duet::oci
