#include "sys/cgroup.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "sys/file.h"
#include "sys/process.h"

namespace duet::sys {
namespace {

TEST(CpuWeight, FollowsTheRuntimesFormula) {
  EXPECT_EQ(cpu_weight_of_shares(2), 1U);
  EXPECT_EQ(cpu_weight_of_shares(1024), 39U);
  EXPECT_EQ(cpu_weight_of_shares(262'144), 10'000U);
  EXPECT_EQ(cpu_weight_of_shares(1U << 30), 10'000U);
}

// A folder that looks like the mounted hierarchies of another machine.
class FakeCgroupTest : public testing::Test {
 protected:
  void SetUp() override { root_ = make_temporary_directory("/tmp", "duet-cgroup-").value(); }
  void TearDown() override { EXPECT_TRUE(remove_tree(root_).ok()); }
  void put(const std::string& path, const std::string& text) {
    ASSERT_TRUE(make_directories(root_ + path.substr(0, path.rfind('/'))).ok());
    ASSERT_TRUE(write_file(root_ + path, text).ok());
  }
  std::string get(const std::string& path) { return read_file(root_ + path, 1000).value_or("-"); }
  std::string root_;
};

TEST_F(FakeCgroupTest, Version2LimitsUseItsFilesAndUnits) {
  put("/cgroup.controllers", "cpuset cpu io memory pids\n");
  put("/duet/cgroup.controllers", "cpu memory pids\n");
  const auto cgroups = Cgroups::detect(root_).value();
  EXPECT_EQ(cgroups.layout(), CgroupLayout::kV2);
  EXPECT_TRUE(cgroups.has_controller("memory"));
  EXPECT_FALSE(cgroups.has_controller("rdma"));
  ASSERT_TRUE(cgroups.create("/duet/pod").ok());
  EXPECT_EQ(get("/cgroup.subtree_control"), "+cpu +memory +pids +cpuset +io");
  EXPECT_EQ(get("/duet/cgroup.subtree_control"), "+cpu +memory +pids");
  ASSERT_TRUE(
      cgroups
          .set_limits(
              "/duet/pod",
              {.cpu_shares = 1024, .cpu_quota_us = 50'000, .memory_bytes = 1 << 20, .pids = 10})
          .ok());
  EXPECT_EQ(get("/duet/pod/cpu.weight"), "39");
  EXPECT_EQ(get("/duet/pod/cpu.max"), "50000 100000");
  EXPECT_EQ(get("/duet/pod/memory.max"), "1048576");
  EXPECT_EQ(get("/duet/pod/pids.max"), "10");
  EXPECT_EQ(cgroups.procs_files("/duet/pod"),
            std::vector<std::string>{root_ + "/duet/pod/cgroup.procs"});
  ASSERT_TRUE(cgroups.set_limits("/duet/pod", {.cpu_quota_us = -1, .memory_bytes = -1}).ok());
  EXPECT_EQ(get("/duet/pod/cpu.max"), "max 100000");
  EXPECT_EQ(get("/duet/pod/memory.max"), "max");
}

TEST_F(FakeCgroupTest, Version2UsageIsRead) {
  put("/cgroup.controllers", "cpu memory pids\n");
  put("/p/cpu.stat", "usage_usec 1500\nuser_usec 1000\n");
  put("/p/memory.current", "9000\n");
  put("/p/memory.stat", "anon 1\ninactive_file 4000\n");
  put("/p/memory.events", "oom 1\noom_kill 2\n");
  const auto usage = Cgroups::detect(root_).value().usage("/p").value();
  EXPECT_EQ(usage.cpu_ns, 1'500'000);
  EXPECT_EQ(usage.memory_bytes, 9000);
  EXPECT_EQ(usage.memory_working_set_bytes, 5000);
  EXPECT_EQ(usage.oom_kills, 2);
}

TEST_F(FakeCgroupTest, Version2GroupsAreRemovedFromTheLeavesUp) {
  put("/cgroup.controllers", "cpu\n");
  const auto cgroups = Cgroups::detect(root_).value();
  ASSERT_TRUE(make_directories(root_ + "/duet/pod/a/b").ok());
  ASSERT_TRUE(cgroups.remove("/duet/pod").ok());
  EXPECT_EQ(list_directory(root_ + "/duet").value(), std::vector<std::string>());
  EXPECT_TRUE(cgroups.remove("/duet/pod").ok());
}

TEST_F(FakeCgroupTest, MissingControllerIsNamed) {
  put("/cgroup.controllers", "cpu\n");
  const auto status = Cgroups::detect(root_).value().set_limits("/p", {.memory_bytes = 1});
  EXPECT_EQ(status.error().code(), ErrorCode::kUnsupported);
  EXPECT_NE(status.error().message().find("memory"), std::string::npos);
}

TEST_F(FakeCgroupTest, SharedVersion1HierarchiesCountOnce) {
  put("/cpu,cpuacct/cgroup.procs", "");
  put("/memory/cgroup.procs", "");
  ASSERT_EQ(::symlink("cpu,cpuacct", (root_ + "/cpu").c_str()), 0);
  const auto cgroups = Cgroups::detect(root_).value();
  EXPECT_EQ(cgroups.layout(), CgroupLayout::kV1);
  EXPECT_TRUE(cgroups.has_controller("cpuacct"));
  EXPECT_EQ(cgroups.procs_files("/p").size(), 2U);
}

TEST_F(FakeCgroupTest, NothingMountedIsAClearError) {
  const auto cgroups = Cgroups::detect(root_);
  EXPECT_EQ(cgroups.error().code(), ErrorCode::kUnsupported);
}

TEST_F(FakeCgroupTest, NamesThatClimbAreRefused) {
  put("/cgroup.controllers", "cpu\n");
  const auto cgroups = Cgroups::detect(root_).value();
  for (const char* name : {"", "/", "relative", "/a/../../b"}) {
    EXPECT_EQ(cgroups.create(name).error().code(), ErrorCode::kInvalid) << name;
    EXPECT_EQ(cgroups.remove(name).error().code(), ErrorCode::kInvalid) << name;
  }
}

// The machine's own hierarchies, whatever they are.
class CgroupTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::geteuid(), 0U) << "these tests need root";
    group_ = "/duet-cgroup-test-" + std::to_string(::getpid());
    ASSERT_TRUE(cgroups_.create(group_ + "/pod").ok());
  }
  void TearDown() override {
    EXPECT_TRUE(cgroups_.kill(group_, 10'000).ok());
    EXPECT_TRUE(cgroups_.remove(group_).ok());
  }
  Cgroups cgroups_ = Cgroups::detect("/sys/fs/cgroup").value();
  std::string group_;
};

TEST_F(CgroupTest, LimitsJoinUsageAndKill) {
  ASSERT_TRUE(
      cgroups_
          .set_limits(
              group_ + "/pod",
              {.cpu_shares = 256, .cpu_quota_us = 20'000, .memory_bytes = 32 << 20, .pids = 20})
          .ok());
  // cat tells by its echo that it runs; it ends only when it is killed.
  auto in = make_pipe().value();
  auto out = make_pipe().value();
  Command command;
  command.argv = {"sh", "-c", "cat & read line; echo $line; wait"};
  command.stdin_fd = in.read.get();
  command.stdout_fd = out.write.get();
  const pid_t pid = spawn(command).value();
  ASSERT_TRUE(cgroups_.join(group_ + "/pod", pid).ok());
  const auto pids = cgroups_.processes(group_).value();
  EXPECT_EQ(std::count(pids.begin(), pids.end(), pid), 1);
  const auto usage = cgroups_.usage(group_ + "/pod");
  ASSERT_TRUE(usage.ok()) << usage.error().message();
  EXPECT_GE(usage->cpu_ns, 0);
  const auto busy = cgroups_.remove(group_);
  EXPECT_FALSE(busy.ok());

  const auto killed = cgroups_.kill(group_, 10'000);
  EXPECT_TRUE(killed.ok()) << killed.error().message();
  EXPECT_EQ(wait_for(pid, 10'000).value().signal, SIGKILL);
  EXPECT_TRUE(cgroups_.processes(group_).value().empty());
  EXPECT_TRUE(cgroups_.remove(group_).ok());
  EXPECT_EQ(cgroups_.usage(group_ + "/pod").error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace duet::sys
