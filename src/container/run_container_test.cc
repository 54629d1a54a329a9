#include <gtest/gtest.h>

#include "container/bundle.h"
#include "container/layer_store.h"
#include "container/oci_runtime.h"
#include "container/rootfs.h"
#include "container/test_support.h"
#include "sys/cgroup.h"

namespace duet::container {
namespace {

// From an image to a container that ran, with the real runtime.
class RunContainerTest : public ScratchTest {
 protected:
  void SetUp() override {
    ScratchTest::SetUp();
    const std::string layout = make_busybox_layout(scratch_);
    image_ = read_layout(layout);
    auto store = LayerStore::open({.root = scratch_ + "/layers", .unpacker = unpacker_path()});
    ASSERT_TRUE(store.ok()) << store.error().message();
    const auto layers = (*store)->ensure(image_, blobs_of_layout(layout));
    ASSERT_TRUE(layers.ok()) << layers.error().message();
    const auto root = mount_rootfs({scratch_ + "/c", *layers});
    ASSERT_TRUE(root.ok()) << root.error().message();
    rootfs_ = *root;
    host_ = probe_host(kDefaultSeccompProfile).value();
    spec_.id = "duet-run-" + unique_suffix();
    spec_.hostname = "box";
    spec_.cgroup_path = "/" + spec_.id + "/c";
  }
  void TearDown() override {
    EXPECT_TRUE(remove_rootfs(scratch_ + "/c").ok());
    const auto cgroups = sys::Cgroups::detect("/sys/fs/cgroup").value();
    EXPECT_TRUE(cgroups.remove("/" + spec_.id).ok());
    ScratchTest::TearDown();
  }

  // Runs the container in the foreground and returns what it printed.
  sys::Output run_by(const std::string& runtime) {
    const std::string bundle = scratch_ + "/bundle";
    const auto config = oci_config(image_.config, spec_, rootfs_, host_);
    EXPECT_TRUE(config.ok()) << config.error().message();
    EXPECT_TRUE(write_bundle(bundle, *config).ok());
    sys::Command command;
    command.argv = {runtime, "--root", scratch_ + "/state", "run", "--bundle", bundle, spec_.id};
    return sys::run(command, "", kToolTimeoutMs).value();
  }
  std::string output_of_shell(const std::string& script) {
    spec_.command = {"/bin/sh", "-c", script};
    const auto output = run_by("runc");
    EXPECT_TRUE(output.status.ok()) << output.status.describe() << output.err << output.out;
    return output.out;
  }

  oci::Image image_;
  std::string rootfs_;
  BundleHost host_;
  ContainerSpec spec_;
};

TEST_F(RunContainerTest, PrintsAndKeepsItsExitCode) {
  spec_.command = {"/bin/sh", "-c", "echo hello; exit 3"};
  const auto output = run_by("runc");
  EXPECT_EQ(output.out, "hello\n") << output.err;
  EXPECT_EQ(output.status.code, 3);
}

TEST_F(RunContainerTest, SeesItsHostNameUserAndEnvironment) {
  spec_.security.run_as_user = 1000;
  spec_.security.supplemental_groups = {77};
  spec_.env = {{"GREETING", "hi there"}};
  const std::string out = output_of_shell("hostname; id; echo $GREETING; echo $HOSTNAME");
  EXPECT_EQ(out, "box\nuid=1000(web) gid=1000(web) groups=50(log),77,1000(web)\nhi there\nbox\n");
}

TEST_F(RunContainerTest, MountsVolumesWithTheirAccess) {
  ASSERT_TRUE(sys::make_directories(scratch_ + "/data").ok());
  ASSERT_TRUE(sys::write_file(scratch_ + "/data/f", "content").ok());
  ASSERT_TRUE(sys::write_file(scratch_ + "/hosts", "10.0.0.1 db\n").ok());
  spec_.hosts_file = scratch_ + "/hosts";
  spec_.mounts = {{scratch_ + "/data", "/deep/inner/ro", sys::MountAccess::kReadOnly},
                  {scratch_ + "/data", "/deep", sys::MountAccess::kReadWrite}};
  const std::string out = output_of_shell(
      "cat /deep/inner/ro/f /etc/hosts; echo x > /deep/inner/ro/g 2>/dev/null || echo refused; "
      "echo y > /deep/new");
  EXPECT_EQ(out, "content10.0.0.1 db\nrefused\n");
  EXPECT_EQ(sys::read_file(scratch_ + "/data/new", 10).value(), "y\n");
}

TEST_F(RunContainerTest, ReadOnlyRootIsReadOnly) {
  spec_.security.read_only_root_filesystem = true;
  EXPECT_EQ(output_of_shell("echo x > /new 2>/dev/null || echo refused; echo y > /dev/shm/f"),
            "refused\n");
}

TEST_F(RunContainerTest, IsShutIn) {
  EXPECT_EQ(output_of_shell("mount -t tmpfs none /tmp 2>/dev/null || echo no mount; "
                            "cat /proc/kcore | cat >/dev/null; "
                            "echo 1 > /proc/sys/kernel/panic 2>/dev/null || echo no sysctl; "
                            "cd /sys/fs/cgroup; cd pids 2>/dev/null; "
                            "mkdir x 2>/dev/null || echo no cgroup"),
            "no mount\nno sysctl\nno cgroup\n");
}

TEST_F(RunContainerTest, SeccompAndCapabilitiesAreInForce) {
  spec_.security.drop_capabilities = {"ALL"};
  spec_.security.add_capabilities = {"NET_BIND_SERVICE"};
  spec_.security.allow_privilege_escalation = false;
  const std::string status = output_of_shell("cat /proc/self/status");
  EXPECT_NE(status.find("Seccomp:\t2"), std::string::npos) << status;
  EXPECT_NE(status.find("CapEff:\t0000000000000400"), std::string::npos) << status;
  EXPECT_NE(status.find("CapBnd:\t0000000000000400"), std::string::npos) << status;
  EXPECT_NE(status.find("NoNewPrivs:\t1"), std::string::npos) << status;
}

TEST_F(RunContainerTest, PrivilegedIsNeither) {
  spec_.security.privileged = true;
  const std::string out = output_of_shell(
      "cat /proc/self/status; mount -t tmpfs none /tmp && echo mounted; ls /dev/kmsg");
  EXPECT_NE(out.find("Seccomp:\t0"), std::string::npos) << out;
  EXPECT_NE(out.find("mounted\n/dev/kmsg\n"), std::string::npos) << out;
}

TEST_F(RunContainerTest, LimitsStandInItsCgroup) {
  spec_.resources = {.cpu_shares = 512,
                     .cpu_quota_us = 50'000,
                     .memory_limit_bytes = 64 << 20,
                     .pids_limit = 50,
                     .oom_score_adj = -999};
  const auto cgroups = sys::Cgroups::detect("/sys/fs/cgroup").value();
  if (cgroups.layout() == sys::CgroupLayout::kV2) {
    EXPECT_EQ(output_of_shell("cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max"),
              "67108864\n50\n");
  } else {
    EXPECT_EQ(output_of_shell("cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes pids/pids.max "
                              "cpu/cpu.shares cpu/cpu.cfs_quota_us"),
              "67108864\n50\n512\n50000\n");
  }
}

TEST_F(RunContainerTest, OciRuntimesTakeTheBundle) {
  spec_.command = {"/bin/true"};
  EXPECT_EQ(run_by("runc").err, "");
  // crun reads the whole configuration before it looks at the machine: whatever else it refuses
  // here, it must not be the bundle.
  const auto output = run_by("crun");
  if (!output.status.ok()) {
    EXPECT_NE(output.err.find("cgroups in hybrid mode not supported"), std::string::npos)
        << output.err;
  }
}

TEST_F(RunContainerTest, MissingCommandIsAClearError) {
  spec_.command = {"/bin/missing"};
  const auto output = run_by("runc");
  EXPECT_FALSE(output.status.ok());
  EXPECT_NE(output.err.find("/bin/missing"), std::string::npos) << output.err;
}

}  // namespace
}  // namespace duet::container
