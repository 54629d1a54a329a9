#include "pod/container_runtime.h"

#include <algorithm>
#include <atomic>
#include <functional>

#include "container/rootfs.h"
#include "pod/resources.h"
#include "sys/file.h"

namespace duet::pod {

namespace {

constexpr int64_t kPidsLimit = 4'096;
constexpr size_t kConfigBytes = 4 << 20;

container::BundleResources resources_of(const object::Resources& from) {
  container::BundleResources out;
  out.pids_limit = kPidsLimit;
  out.memory_limit_bytes = from.memory_limit_bytes;
  out.cpu_shares = cpu_shares(from);
  if (const auto quota = cpu_quota_us(from)) {
    out.cpu_period_us = kCpuPeriodUs;
    out.cpu_quota_us = quota;
  }
  return out;
}

// The container's settings over the pod's.
container::BundleSecurity security_of(const object::PodSpec& pod,
                                      const object::SecurityContext& own) {
  container::BundleSecurity out;
  out.run_as_user = own.run_as_user ? own.run_as_user : pod.security.run_as_user;
  out.run_as_group = own.run_as_group ? own.run_as_group : pod.security.run_as_group;
  out.run_as_non_root = own.run_as_non_root.value_or(pod.security.run_as_non_root.value_or(false));
  out.supplemental_groups = pod.supplemental_groups;
  if (pod.fs_group) {
    out.supplemental_groups.push_back(*pod.fs_group);
  }
  out.add_capabilities = own.add_capabilities;
  out.drop_capabilities = own.drop_capabilities;
  out.privileged = own.privileged;
  out.read_only_root_filesystem = own.read_only_root_filesystem;
  out.allow_privilege_escalation = own.allow_privilege_escalation.value_or(true);
  const std::string& seccomp =
      own.seccomp_type.empty() ? pod.security.seccomp_type : own.seccomp_type;
  out.seccomp = seccomp == "Unconfined" ? container::SeccompChoice::kUnconfined
                                        : container::SeccompChoice::kRuntimeDefault;
  return out;
}

container::ContainerSpec spec_of(const StartRequest& request) {
  const auto& one = request.container;
  container::ContainerSpec spec;
  spec.id = request.id;
  spec.hostname =
      request.pod.spec.hostname.empty() ? request.pod.meta.name : request.pod.spec.hostname;
  for (const auto& word : one.command) {
    spec.command.push_back(expand_references(word, request.environment));
  }
  for (const auto& word : one.args) {
    spec.args.push_back(expand_references(word, request.environment));
  }
  spec.working_dir = one.working_dir;
  spec.env = request.environment;
  for (const auto& mount : request.mounts) {
    spec.mounts.push_back(
        {mount.host_path, mount.container_path,
         mount.read_only ? sys::MountAccess::kReadOnly : sys::MountAccess::kReadWrite});
  }
  spec.hosts_file = request.paths.etc("hosts");
  spec.hostname_file = request.paths.etc("hostname");
  spec.resolv_conf_file = request.paths.etc("resolv.conf");
  spec.network_namespace = request.sandbox.network_namespace;
  spec.cgroup_path = request.paths.cgroup(one.name);
  spec.tty = one.tty;
  spec.security = security_of(request.pod.spec, one.security);
  spec.resources = resources_of(one.resources);
  return spec;
}

// A Unix socket's path has 107 bytes at most, so the ID stands in it as a number.
std::string console_socket(const PodPaths& paths, const std::string& id) {
  return paths.run() + "/tty" + std::to_string(std::hash<std::string>{}(id) % 1'000'000'007);
}

// Creating the container takes as long as the network's plugins do: both at once.
Result<monitor::ChildState> start_when_attached(const StartRequest& request,
                                                const monitor::ContainerStart& start) {
  const PodAddress& address = request.sandbox.address;
  if (address.here()) {
    return address.get().ok() ? request.sandbox.monitor->start_container(start)
                              : address.get().error();
  }
  DUET_ASSIGN(auto held, request.sandbox.monitor->hold_container(start));
  return address.get().ok() ? held.proceed() : address.get().error();
}

}  // namespace

Result<monitor::ChildState> ContainerRuntime::start(const StartRequest& request) {
  const std::string bundle = request.paths.container(request.id);
  // A start that failed half way must not be found by this one.
  DUET_TRY(remove(request.paths, request.container.name, request.id));
  DUET_TRY(sys::make_directories(bundle, 0711));
  const container::ContainerSpec spec = spec_of(request);
  DUET_ASSIGN(const std::string rootfs,
              container::mount_rootfs({.directory = bundle, .layers = request.image.layers}));
  DUET_ASSIGN(const std::string config,
              container::oci_config(request.image.image.config, spec, rootfs, host_));
  DUET_TRY(container::write_bundle(bundle, config));
  monitor::ContainerStart start{.id = request.id, .pid_file = bundle + "/pid"};
  if (spec.tty) {
    start.console_socket = console_socket(request.paths, request.id);
  }
  start.create_argv = oci_.create_argv({.id = request.id,
                                        .bundle = bundle,
                                        .pid_file = start.pid_file,
                                        .console_socket = start.console_socket});
  start.start_argv = oci_.start_argv(request.id);
  start.log.path = request.log_path;
  start.stdin_open = request.container.stdin_open;
  start.oom_counter_file = cgroups_.oom_counter_file(spec.cgroup_path);
  auto started = start_when_attached(request, start);
  if (!started.ok() && started.error().code() == ErrorCode::kInternal) {
    // The runtime's own sentence: what its log puts around that is new each time.
    return Error(ErrorCode::kInternal, monitor::runtime_error_text(started.error().message()));
  }
  return started;
}

Status ContainerRuntime::remove(const PodPaths& paths, const std::string& container,
                                const std::string& id) {
  const std::string bundle = paths.container(id);
  if (!sys::file_exists(bundle)) {
    return {};
  }
  DUET_TRY(oci_.remove(id));
  DUET_TRY(cgroups_.remove(paths.cgroup(container)));
  DUET_TRY(container::remove_rootfs(bundle));
  return sys::remove_tree(bundle);
}

Result<monitor::ExecStart> ContainerRuntime::exec(const ExecRequest& request) {
  static std::atomic<uint64_t> count{0};  // only makes names unique
  DUET_ASSIGN(const std::string config,
              sys::read_file(request.paths.container(request.id) + "/config.json", kConfigBytes));
  DUET_ASSIGN(const std::string process,
              container::oci_exec_process(config, {.argv = request.command, .tty = request.tty}));
  const std::string name = request.paths.run() + "/exec" + std::to_string(++count);
  DUET_TRY(sys::write_file(name + ".json", process, 0600));
  monitor::ExecStart start{.pid_file = name + ".pid", .stdin_open = request.stdin_open};
  if (request.tty) {
    start.console_socket = name + ".tty";
  }
  start.argv = oci_.exec_argv({.id = request.id,
                               .process_file = name + ".json",
                               .pid_file = start.pid_file,
                               .console_socket = start.console_socket});
  return start;
}

}  // namespace duet::pod
