#include "container/bundle.h"

#include <nlohmann/json.hpp>

#include "container/capabilities.h"
#include "container/seccomp_profile.h"
#include "container/test_support.h"

namespace duet::container {
namespace {

using nlohmann::json;
using Strings = std::vector<std::string>;

TEST(ContainerArgv, FollowsKubernetes) {
  const oci::ImageConfig image{.entrypoint = {"entry"}, .cmd = {"cmd"}};
  EXPECT_EQ(container_argv(image, {}), (Strings{"entry", "cmd"}));
  EXPECT_EQ(container_argv(image, {.args = {"a"}}), (Strings{"entry", "a"}));
  EXPECT_EQ(container_argv(image, {.command = {"c"}}), (Strings{"c"}));
  EXPECT_EQ(container_argv(image, {.command = {"c"}, .args = {"a"}}), (Strings{"c", "a"}));
  EXPECT_EQ(container_argv({.cmd = {"cmd"}}, {.args = {"a"}}), (Strings{"a"}));
}

TEST(CapabilitySets, AddAndDrop) {
  const uint64_t all = (uint64_t{1} << 41) - 1;
  const uint64_t no_resource = all & ~(uint64_t{1} << 24);
  EXPECT_EQ(default_capabilities().size(), 14U);
  EXPECT_EQ(apply_capabilities({}, {}, all).value(), default_capabilities());
  EXPECT_EQ(apply_capabilities({"net_admin"}, {"ALL"}, all).value(), Strings{"CAP_NET_ADMIN"});
  EXPECT_EQ(apply_capabilities({"ALL"}, {"CAP_SYS_ADMIN"}, all).value().size(), 40U);
  EXPECT_EQ(apply_capabilities({"ALL"}, {}, no_resource).value().size(), 40U);
  EXPECT_EQ(apply_capabilities({}, {"CHOWN"}, all).value().front(), "CAP_DAC_OVERRIDE");
  EXPECT_EQ(apply_capabilities({"NONSENSE"}, {}, all).error().code(), ErrorCode::kInvalid);
  EXPECT_EQ(apply_capabilities({"SYS_RESOURCE"}, {}, no_resource).error().code(),
            ErrorCode::kUnsupported);
}

constexpr char kProfile[] = R"({
  "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "defaultErrno": "ENOSYS",
  "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
              {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}],
  "syscalls": [
    {"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [], "includes": {}, "excludes": {}},
    {"names": ["arm"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["arm64"]}},
    {"names": ["intel"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64", "x32"]}},
    {"names": ["admin"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
    {"names": ["noadmin"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "errno": "EPERM",
     "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
    {"names": ["new"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "5.10"}}]})";

Strings names_of(const SeccompContext& context) {
  Strings names;
  const auto converted = json::parse(convert_seccomp_profile(kProfile, context).value());
  for (const auto& rule : converted["syscalls"]) {
    names.push_back(rule["names"][0]);
  }
  return names;
}

TEST(SeccompProfile, ConditionsAreResolved) {
  EXPECT_EQ(names_of({"x86_64", 6, 1, {}}), (Strings{"read", "intel", "noadmin", "new"}));
  EXPECT_EQ(names_of({"aarch64", 5, 9, {"CAP_SYS_ADMIN"}}), (Strings{"read", "arm", "admin"}));
  const auto converted =
      json::parse(convert_seccomp_profile(kProfile, {"x86_64", 6, 1, {}}).value());
  EXPECT_EQ(converted["architectures"].dump(), R"(["SCMP_ARCH_X86_64","SCMP_ARCH_X86"])");
  EXPECT_EQ(converted["defaultErrnoRet"], 38);
  EXPECT_EQ(converted["syscalls"][2].dump(),
            R"({"action":"SCMP_ACT_ERRNO","errnoRet":1,"names":["noadmin"]})");
}

TEST(SeccompProfile, AnInterfaceThatTheKernelLacksNeedsNoRules) {
  const auto converted =
      json::parse(convert_seccomp_profile(kProfile, {"x86_64", 6, 1, {}, true}).value());
  EXPECT_EQ(converted["architectures"].dump(),
            R"(["SCMP_ARCH_X86_64","SCMP_ARCH_X86","SCMP_ARCH_X32"])");
}

TEST(SeccompProfile, BadProfilesAreRefused) {
  for (const char* text :
       {"", "[]", "{}", R"({"syscalls":[]})", R"({"defaultAction":"X"})",
        R"({"defaultAction":"X","syscalls":[1]})", R"({"defaultAction":"X","syscalls":[{}]})",
        R"({"defaultAction":"X","syscalls":[{"names":"a","action":"X"}]})"}) {
    EXPECT_EQ(convert_seccomp_profile(text, {"x86_64", 6, 1, {}}).error().code(),
              ErrorCode::kCorrupt)
        << text;
  }
  EXPECT_EQ(convert_seccomp_profile(kProfile, {"vax", 6, 1, {}}).error().code(),
            ErrorCode::kUnsupported);
}

class BundleTest : public ScratchTest {
 protected:
  BundleTest() {
    host_.capabilities = (uint64_t{1} << 41) - 1;
    host_.seccomp_profile = kProfile;
    host_.architecture = "x86_64";
    spec_.id = "c";
    spec_.command = {"/bin/true"};
  }
  json config() {
    const auto text = oci_config(image_, spec_, scratch_, host_);
    EXPECT_TRUE(text.ok()) << text.error().message();
    return json::parse(text.value_or("{}"));
  }
  ErrorCode refusal() { return oci_config(image_, spec_, scratch_, host_).error().code(); }
  std::vector<std::string> destinations() {
    std::vector<std::string> all;
    const auto whole = config();
    for (const auto& mount : whole["mounts"]) {
      all.push_back(mount["destination"]);
    }
    return all;
  }

  oci::ImageConfig image_;
  ContainerSpec spec_;
  BundleHost host_;
};

TEST_F(BundleTest, EnvironmentOfThePodWins) {
  image_.env = {"PATH=/image", "A=1", "nonsense", "B=2=2"};
  spec_.env = {{"A", "pod"}, {"C", ""}};
  spec_.hostname = "h";
  EXPECT_EQ(config()["process"]["env"],
            json(Strings{"PATH=/image", "HOSTNAME=h", "A=pod", "B=2=2", "C="}));
  spec_.env = {{"A=B", "x"}};
  EXPECT_EQ(refusal(), ErrorCode::kInvalid);
  spec_.env = {{"A", std::string("x\0y", 3)}};
  EXPECT_EQ(refusal(), ErrorCode::kInvalid);
}

TEST_F(BundleTest, WorkingDirectoryIsAbsolute) {
  EXPECT_EQ(config()["process"]["cwd"], "/");
  image_.working_dir = "srv";
  EXPECT_EQ(config()["process"]["cwd"], "/srv");
  spec_.working_dir = "/pod";
  EXPECT_EQ(config()["process"]["cwd"], "/pod");
}

TEST_F(BundleTest, NothingToRunIsInvalid) {
  spec_.command.clear();
  EXPECT_EQ(refusal(), ErrorCode::kInvalid);
}

TEST_F(BundleTest, VolumesReplaceAndNest) {
  spec_.mounts = {{"/h/2", "/data/inner/", {}}, {"/h/1", "/data", {}}, {"/h/3", "/dev/shm", {}}};
  const auto all = destinations();
  EXPECT_EQ(std::count(all.begin(), all.end(), "/dev/shm"), 1);
  EXPECT_LT(std::find(all.begin(), all.end(), "/data"),
            std::find(all.begin(), all.end(), "/data/inner"));
  for (const char* path : {"/", "relative", "", "/a/../../etc"}) {
    spec_.mounts = {{"/h", path, {}}};
    EXPECT_EQ(refusal(), ErrorCode::kInvalid) << path;
  }
}

TEST_F(BundleTest, NamespacesAreJoinedByPath) {
  spec_.network_namespace = "/run/ns/pod";
  spec_.ipc_namespace = "/run/ns/ipc";
  const auto namespaces = config()["linux"]["namespaces"];
  EXPECT_EQ(namespaces.dump(), R"([{"type":"mount"},{"type":"cgroup"},{"type":"pid"},)"
                               R"({"path":"/run/ns/ipc","type":"ipc"},{"type":"uts"},)"
                               R"({"path":"/run/ns/pod","type":"network"}])");
}

TEST_F(BundleTest, OomScoreIsOnlyRaisedWithoutTheRightToLowerIt) {
  host_.own_oom_score_adj = 100;
  spec_.resources.oom_score_adj = 99;
  EXPECT_FALSE(config()["process"].contains("oomScoreAdj"));
  spec_.resources.oom_score_adj = 100;
  EXPECT_EQ(config()["process"]["oomScoreAdj"], 100);
  spec_.resources.oom_score_adj = -500;
  host_.can_raise_limits = true;
  EXPECT_EQ(config()["process"]["oomScoreAdj"], -500);
}

TEST_F(BundleTest, RunAsNonRootRefusesRoot) {
  spec_.security.run_as_non_root = true;
  EXPECT_EQ(refusal(), ErrorCode::kInvalid);
  spec_.security.run_as_user = 5;
  EXPECT_EQ(config()["process"]["user"]["uid"], 5);
}

TEST_F(BundleTest, SeccompIsTheDefaultUnlessSaid) {
  EXPECT_EQ(config()["linux"]["seccomp"]["defaultAction"], "SCMP_ACT_ERRNO");
  spec_.security.seccomp = SeccompChoice::kUnconfined;
  EXPECT_FALSE(config()["linux"].contains("seccomp"));
  spec_.security.seccomp = SeccompChoice::kLocalhost;
  spec_.security.seccomp_path = scratch_ + "/missing.json";
  EXPECT_EQ(refusal(), ErrorCode::kNotFound);
  ASSERT_TRUE(sys::write_file(scratch_ + "/own.json",
                              R"({"defaultAction":"SCMP_ACT_LOG","architectures":[]})")
                  .ok());
  spec_.security.seccomp_path = scratch_ + "/own.json";
  EXPECT_EQ(config()["linux"]["seccomp"]["defaultAction"], "SCMP_ACT_LOG");
  spec_.security.seccomp = SeccompChoice::kRuntimeDefault;
  host_.seccomp_profile.clear();
  EXPECT_EQ(refusal(), ErrorCode::kNotFound);
}

TEST_F(BundleTest, PrivilegedContradictsNoEscalation) {
  spec_.security.privileged = true;
  EXPECT_FALSE(config()["linux"].contains("seccomp"));
  EXPECT_FALSE(config()["linux"].contains("maskedPaths"));
  spec_.security.allow_privilege_escalation = false;
  EXPECT_EQ(refusal(), ErrorCode::kInvalid);
}

TEST_F(BundleTest, ExecRunsAsTheContainerDoes) {
  spec_.security.run_as_user = 7;
  const auto text = oci_config(image_, spec_, scratch_, host_).value();
  const auto process = json::parse(oci_exec_process(text, {{"/bin/sh"}, true}).value());
  EXPECT_EQ(process["user"]["uid"], 7);
  EXPECT_EQ(process["args"].dump(), R"(["/bin/sh"])");
  EXPECT_EQ(process["terminal"], true);
  EXPECT_EQ(process["env"].back(), "TERM=xterm");
  EXPECT_EQ(oci_exec_process(text, {}).error().code(), ErrorCode::kInvalid);
  EXPECT_EQ(oci_exec_process("{", {{"x"}}).error().code(), ErrorCode::kCorrupt);
}

TEST_F(BundleTest, TheHostIsProbed) {
  const auto host = probe_host(kDefaultSeccompProfile);
  ASSERT_TRUE(host.ok()) << host.error().message();
  EXPECT_FALSE(host->seccomp_profile.empty());
  EXPECT_GT(host->kernel_major, 4);
  EXPECT_NE(host->capabilities & 1U, 0U);
  EXPECT_EQ(probe_host(scratch_ + "/missing").value().seccomp_profile, "");
}

}  // namespace
}  // namespace duet::container
