#include "sys/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "sys/file.h"
#include "sys/run_command.h"

namespace duet::sys {
namespace {

TEST(Process, SaysThatAProgramDoesNotExist) {
  const auto result = spawn({.argv = {"/no/such/program"}});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(result.error().message(),
            "/no/such/program: cannot execute: No such file or directory");
}

TEST(Process, ChildrenHaveTheUsualUmask) {
  const mode_t before = ::umask(0077);
  const auto output = run({.argv = {"sh", "-c", "umask"}}, "", 10'000);
  ::umask(before);
  ASSERT_TRUE(output.ok());
  EXPECT_EQ(output->out, "0022\n");
}

TEST(Process, SaysThatAFolderDoesNotExist) {
  const auto result = spawn({.argv = {"true"}, .working_directory = "/no/such/folder"});
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message().find("enter its folder"), std::string::npos);
}

TEST(Process, JoinsCgroupsAndSaysWhatItCannotJoin) {
  const std::string procs = ::testing::TempDir() + "/cgroup.procs." + std::to_string(::getpid());
  ASSERT_TRUE(write_file(procs, "").ok());
  const auto joined = run({.argv = {"cat", procs}, .cgroup_procs_files = {procs}}, "", 10'000);
  ASSERT_TRUE(joined.ok()) << joined.error().message();
  EXPECT_EQ(joined->out, "0") << "the writer itself";
  ::unlink(procs.c_str());
  const auto missing = spawn({.argv = {"true"}, .cgroup_procs_files = {"/no/such/cgroup.procs"}});
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().message().find("join its cgroup"), std::string::npos);
  const auto nowhere = spawn({.argv = {"true"}, .network_namespace = "/no/such/namespace"});
  ASSERT_FALSE(nowhere.ok());
  EXPECT_NE(nowhere.error().message().find("network namespace"), std::string::npos);
}

TEST(Process, TellsSignalsApart) {
  const auto pid = spawn({.argv = {"sleep", "1000"}});
  ASSERT_TRUE(pid.ok());
  ASSERT_EQ(::kill(*pid, SIGKILL), 0);
  const auto status = wait(*pid);
  ASSERT_TRUE(status.ok());
  EXPECT_EQ(status->code, 137);
  EXPECT_EQ(status->signal, SIGKILL);
}

TEST(Process, PassesExtraDescriptorsInOrder) {
  auto first = make_pipe();
  auto second = make_pipe();
  ASSERT_TRUE(first.ok() && second.ok());
  const auto pid = spawn({.argv = {"sh", "-c", "echo three >&3; echo four >&4"},
                          .extra_fds = {first->write.get(), second->write.get()}});
  ASSERT_TRUE(pid.ok());
  first->write.reset();
  second->write.reset();
  char text[16] = {};
  EXPECT_EQ(::read(first->read.get(), text, sizeof text), 6);
  EXPECT_EQ(::read(second->read.get(), text, sizeof text), 5);
  EXPECT_TRUE(wait(*pid)->ok());
}

TEST(Process, AChildLetsGoOfOurDescriptorsBeforeItsSlowSteps) {
  const std::string root = make_temporary_directory("/tmp", "duet-process-").value();
  const std::string gate = root + "/cgroup.procs";
  ASSERT_EQ(::mkfifo(gate.c_str(), 0600), 0);  // opening it blocks until somebody reads
  Pipe ours = make_pipe().value();
  std::thread spawner([&] {
    const auto pid = spawn({.argv = {"true"}, .cgroup_procs_files = {gate}});
    EXPECT_TRUE(pid.ok() && wait(*pid)->ok());
  });
  siginfo_t info{};
  while (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
    std::this_thread::yield();  // no child yet
  }
  ours.write.reset();
  pollfd end{ours.read.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&end, 1, 10'000), 1) << "the child still has the other end";
  const Fd reader = open_file(gate, O_RDONLY).value();
  spawner.join();
  EXPECT_TRUE(remove_tree(root).ok());
}

}  // namespace
}  // namespace duet::sys
