#include "container/oci_runtime.h"

#include <signal.h>

#include "container/bundle.h"
#include "container/rootfs.h"
#include "container/run.h"
#include "container/test_support.h"

namespace duet::container {
namespace {

class OciRuntimeTest : public ScratchTest {
 protected:
  OciRuntime::Options options(std::vector<std::string> candidates) {
    return {.candidates = std::move(candidates), .state_root = scratch_ + "/state"};
  }
  Result<OciRuntime> probe(std::vector<std::string> candidates) {
    return OciRuntime::probe(options(std::move(candidates)), scratch_ + "/trial");
  }
  // A "runtime" that is a shell script.
  std::string script(const std::string& name, const std::string& body) {
    EXPECT_TRUE(sys::write_file(scratch_ + "/" + name, "#!/bin/sh\n" + body, 0755).ok());
    return scratch_ + "/" + name;
  }
};

TEST_F(OciRuntimeTest, TakesTheFirstThatWorks) {
  const std::string refusing =
      script("refusing", "[ $1 = --version ] && exit 0; echo 'no such cgroups' >&2; exit 1\n");
  const auto runtime = probe({"missing-runtime", refusing, "runc"});
  ASSERT_TRUE(runtime.ok()) << runtime.error().message();
  EXPECT_EQ(runtime->name(), "runc");
  EXPECT_TRUE(runtime->version().starts_with("1.")) << runtime->version();
  EXPECT_TRUE(sys::list_directory(scratch_ + "/trial").value().empty());
  EXPECT_TRUE(sys::list_directory(scratch_ + "/state/runc").value().empty());
}

TEST_F(OciRuntimeTest, RemovesWhatAKilledProbeLeft) {
  const std::string path = script("plain",
                                  "[ $1 = --version ] && echo plain version 1 && exit 0\n"
                                  "root=$2; verb=$3; for id; do :; done\n"
                                  "case $verb in\n"
                                  "  create) mkdir -p $root/$id;;\n"
                                  "  delete) rm -r $root/$id;;\n"
                                  "esac\n");
  ASSERT_TRUE(sys::make_directories(scratch_ + "/state/plain/duet-trial-left").ok());
  ASSERT_TRUE(sys::make_directories(scratch_ + "/state/plain/a-container").ok());
  ASSERT_TRUE(sys::make_directories(scratch_ + "/trial/trial-left/rootfs").ok());
  ASSERT_TRUE(probe({path}).ok());
  EXPECT_EQ(sys::list_directory(scratch_ + "/state/plain").value(),
            std::vector<std::string>{"a-container"});
  EXPECT_TRUE(sys::list_directory(scratch_ + "/trial").value().empty());
}

TEST_F(OciRuntimeTest, TheUsualCandidatesGiveOne) {
  const auto runtime = probe({"crun", "runc"});
  ASSERT_TRUE(runtime.ok()) << runtime.error().message();
}

TEST_F(OciRuntimeTest, SaysWhyNoneWorks) {
  const auto none = probe({"missing-runtime"});
  EXPECT_EQ(none.error().code(), ErrorCode::kNotFound);
  EXPECT_NE(none.error().message().find("missing-runtime"), std::string::npos);
  const auto broken = probe({script("broken", "echo 'out of order' >&2; exit 1\n")});
  EXPECT_EQ(broken.error().code(), ErrorCode::kUnsupported);
  EXPECT_NE(broken.error().message().find("out of order"), std::string::npos)
      << broken.error().message();
}

// A life of a container, driven as the monitor drives it.
class LifeTest : public OciRuntimeTest {
 protected:
  void SetUp() override {
    OciRuntimeTest::SetUp();
    const std::string layout = make_busybox_layout(scratch_);
    const auto image = read_layout(layout);
    auto store = LayerStore::open({.root = scratch_ + "/layers", .unpacker = unpacker_path()});
    const auto layers = (*store)->ensure(image, blobs_of_layout(layout)).value();
    const auto root = mount_rootfs({scratch_ + "/c", layers}).value();
    id_ = "duet-life-" + unique_suffix();
    ContainerSpec spec;
    spec.id = id_;
    spec.cgroup_path = "/" + id_;
    spec.command = {"/bin/sh", "-c", "read line; exit 7"};
    const auto host = probe_host(kDefaultSeccompProfile).value();
    config_ = oci_config(image.config, spec, root, host).value();
    ASSERT_TRUE(write_bundle(scratch_ + "/bundle", config_).ok());
  }
  void TearDown() override {
    if (runtime_) {
      EXPECT_TRUE(runtime_->remove(id_).ok());
    }
    EXPECT_TRUE(remove_rootfs(scratch_ + "/c").ok());
    OciRuntimeTest::TearDown();
  }
  sys::Output run(const Argv& argv, int stdin_fd = -1) {
    sys::Command command;
    command.argv = argv;
    command.stdin_fd = stdin_fd;
    return run_leaving_children(command, kToolTimeoutMs).value();
  }
  int pid_in(const std::string& file) {
    return std::stoi(sys::read_file(scratch_ + "/" + file, 100).value());
  }

  std::string id_;
  std::string config_;
  std::optional<OciRuntime> runtime_;
};

TEST_F(LifeTest, CreateStartExecKillRemove) {
  runtime_ = probe({"crun", "runc"}).value();
  EXPECT_EQ(runtime_->state(id_).error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(runtime_->remove(id_).ok());

  auto in = sys::make_pipe().value();
  const auto created =
      run(runtime_->create_argv(
              {.id = id_, .bundle = scratch_ + "/bundle", .pid_file = scratch_ + "/pid"}),
          in.read.get());
  ASSERT_TRUE(created.status.ok()) << created.err;
  EXPECT_EQ(runtime_->state(id_).value().status, RuntimeStatus::kCreated);
  EXPECT_EQ(runtime_->state(id_).value().pid, pid_in("pid"));
  const auto started = run(runtime_->start_argv(id_));
  ASSERT_TRUE(started.status.ok()) << started.err;
  EXPECT_EQ(runtime_->state(id_).value().status, RuntimeStatus::kRunning);

  ASSERT_TRUE(sys::write_file(scratch_ + "/process.json",
                              oci_exec_process(config_, {{"/bin/echo", "from exec"}}).value())
                  .ok());
  const auto executed = run(runtime_->exec_argv(
      {.id = id_, .process_file = scratch_ + "/process.json", .pid_file = scratch_ + "/exec-pid"}));
  EXPECT_TRUE(executed.status.ok()) << executed.err;
  EXPECT_GT(pid_in("exec-pid"), 0);

  EXPECT_TRUE(runtime_->remove(id_).ok()) << "though it runs";
  EXPECT_EQ(runtime_->state(id_).error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(runtime_->remove(id_).ok());
}

TEST_F(LifeTest, RemovesWhatIsDead) {
  runtime_ = probe({"crun", "runc"}).value();
  auto in = sys::make_pipe().value();
  ASSERT_TRUE(run(runtime_->create_argv(
                      {.id = id_, .bundle = scratch_ + "/bundle", .pid_file = scratch_ + "/pid"}),
                  in.read.get())
                  .status.ok());
  ASSERT_TRUE(runtime_->kill(id_, SIGKILL).ok());
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(runtime_->remove(id_).ok());
  const auto took = std::chrono::steady_clock::now() - begin;
  RecordProperty("remove_ms", std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
  EXPECT_FALSE(runtime_->kill(id_, SIGTERM).ok());
}

}  // namespace
}  // namespace duet::container
