#include "sys/machine.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "sys/file.h"

namespace duet::sys {
namespace {

TEST(Machine, IsThisOne) {
  const auto machine = examine_machine();
  ASSERT_TRUE(machine.ok()) << machine.error().message();
  EXPECT_GE(machine->cpus, 1);
  EXPECT_GT(machine->memory_bytes, 16 << 20);
  EXPECT_FALSE(machine->boot_id.empty());
  EXPECT_FALSE(machine->kernel_version.empty());
  const auto use = measure_machine("/");
  ASSERT_TRUE(use.ok()) << use.error().message();
  EXPECT_GT(use->cpu_ns, 0);
  EXPECT_GT(machine->boot_s, 0);
  EXPECT_GT(use->memory_available_bytes, 0);
  EXPECT_LT(use->memory_available_bytes, machine->memory_bytes);
  EXPECT_GT(use->processes, 0);
  EXPECT_GT(use->process_limit, use->processes);
  EXPECT_GT(use->storage_bytes, use->storage_available_bytes);
  EXPECT_FALSE(measure_machine("/none/such").ok());
}

TEST(Machine, ReadsTheKernelsFiles) {
  const std::string root = *make_temporary_directory(testing::TempDir(), "machine-");
  ASSERT_TRUE(make_directories(root + "/proc/sys/kernel/random").ok());
  ASSERT_TRUE(make_directories(root + "/etc").ok());
  ASSERT_TRUE(write_file(root + "/proc/meminfo",
                         "MemTotal:        1024 kB\nMemFree: 5 kB\nMemAvailable:    512 kB\n")
                  .ok());
  ASSERT_TRUE(write_file(root + "/proc/loadavg", "0.20 0.18 0.12 1/80 11206\n").ok());
  ASSERT_TRUE(write_file(root + "/proc/sys/kernel/pid_max", "32768\n").ok());
  ASSERT_TRUE(write_file(root + "/etc/os-release", "NAME=x\nPRETTY_NAME=\"Site Linux 1\"\n").ok());
  ASSERT_TRUE(write_file(root + "/proc/stat",
                         "cpu  100 10 50 9000 700 5 3 2 60 0\ncpu0 1 1 1 1\nbtime 1800000000\n")
                  .ok());
  const auto machine = examine_machine(root);
  ASSERT_TRUE(machine.ok());
  EXPECT_EQ(machine->memory_bytes, 1024 * 1024);
  EXPECT_EQ(machine->os_image, "Site Linux 1");
  EXPECT_EQ(machine->id, "");
  EXPECT_EQ(machine->boot_s, 1'800'000'000);
  const auto use = measure_machine("/", root);
  ASSERT_TRUE(use.ok());
  EXPECT_EQ(use->memory_available_bytes, 512 * 1024);
  EXPECT_EQ(use->cpu_ns, 170 * (1'000'000'000 / sysconf(_SC_CLK_TCK)));
  EXPECT_EQ(use->processes, 80);
  EXPECT_EQ(use->process_limit, 32768);
  (void)remove_tree(root);
}

}  // namespace
}  // namespace duet::sys
