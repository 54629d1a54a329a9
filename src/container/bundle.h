#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "container/user.h"
#include "oci/image.h"
#include "sys/namespace.h"

// OCI bundles (runtime-spec 1.0, config.md and config-linux.md) from an image and what a pod says
// of a container.
namespace duet::container {

// A folder or file of the host inside the container.
struct BundleMount {
  std::string source;       // absolute, exists
  std::string destination;  // absolute, in the container
  sys::MountAccess access = sys::MountAccess::kReadWrite;
};

struct BundleResources {
  std::optional<uint64_t> cpu_shares;
  std::optional<int64_t> cpu_quota_us;
  std::optional<uint64_t> cpu_period_us;
  std::optional<int64_t> memory_limit_bytes;
  std::optional<int64_t> pids_limit;
  std::optional<int> oom_score_adj;  // left out where it would be lowered without the right to
};

enum class SeccompChoice { kRuntimeDefault, kUnconfined, kLocalhost };

struct BundleSecurity {
  std::optional<int64_t> run_as_user;
  std::optional<int64_t> run_as_group;
  bool run_as_non_root = false;
  std::vector<int64_t> supplemental_groups;    // fsGroup too
  std::vector<std::string> add_capabilities;   // with or without CAP_; ALL
  std::vector<std::string> drop_capabilities;  // with or without CAP_; ALL
  bool privileged = false;
  bool read_only_root_filesystem = false;
  bool allow_privilege_escalation = true;  // false: no_new_privs
  SeccompChoice seccomp = SeccompChoice::kRuntimeDefault;
  std::string seccomp_path;  // kLocalhost: a profile of the host
};

// What the pod says of one container, everything resolved: references in `command`, `args` and
// `env` are expanded, volumes are on disk.
struct ContainerSpec {
  std::string id;
  std::string hostname;
  std::vector<std::string> command;  // replaces the image's entrypoint and cmd
  std::vector<std::string> args;     // replaces the image's cmd
  std::string working_dir;           // empty: the image's
  // Over the image's; a later one of the same name wins.
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<BundleMount> mounts;
  // Host files bound at /etc/hosts, /etc/hostname and /etc/resolv.conf; empty: the image's own.
  std::string hosts_file;
  std::string hostname_file;
  std::string resolv_conf_file;
  std::string shm_directory;  // the pod's /dev/shm; empty: a 64 MiB tmpfs of the container's own
  // Namespaces to join, as paths; empty: network the host's, the others new ones.
  std::string network_namespace;
  std::string ipc_namespace;
  std::string uts_namespace;
  std::string pid_namespace;
  std::string cgroup_path;  // for example /duet/pod1/web
  bool tty = false;
  BundleSecurity security;
  BundleResources resources;
  std::map<std::string, std::string> annotations;
};

// What the node can do; find out once with probe_host().
struct BundleHost {
  std::string seccomp_profile;    // docker/containers format; empty: none found
  bool can_raise_limits = false;  // CAP_SYS_RESOURCE
  int own_oom_score_adj = 0;
  uint64_t capabilities = 0;  // the agent's own bounding set: no container gets more
  std::string architecture;   // uname machine, for the seccomp profile
  int kernel_major = 0;
  int kernel_minor = 0;
  bool x32 = false;  // the kernel runs programs of x86's x32 interface
};

// `seccomp_profile`: path of the default profile, usually kDefaultSeccompProfile.
Result<BundleHost> probe_host(const std::string& seccomp_profile);
inline constexpr char kDefaultSeccompProfile[] = "/usr/share/containers/seccomp.json";

// The text of config.json. `rootfs` is where the container's root is mounted: users are looked up
// in it. Errors: kInvalid for what the pod or image says wrong (no command, unknown user, unknown
// capability, a relative path), kNotFound for a missing profile.
Result<std::string> oci_config(const oci::ImageConfig& image, const ContainerSpec& spec,
                               const std::string& rootfs, const BundleHost& host);

// Writes <bundle>/config.json, making the folder with mode 0711.
Status write_bundle(const std::string& bundle, const std::string& config);

// What runs beside a container's first process (exec).
struct ExecSpec {
  std::vector<std::string> argv;
  bool tty = false;
};

// The text of the process.json of `exec` (runtime-spec, config.md, process), made from the
// container's config.json: the same user, environment, capabilities and working directory.
Result<std::string> oci_exec_process(const std::string& config, const ExecSpec& spec);

// argv of a container by Kubernetes' rules: command over entrypoint and cmd, args over cmd.
std::vector<std::string> container_argv(const oci::ImageConfig& image, const ContainerSpec& spec);

}  // namespace duet::container
