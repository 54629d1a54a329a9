#include <unistd.h>

#include <atomic>
#include <csignal>

#include "cli/image_options.h"
#include "cli/run_options.h"
#include "container/bundle.h"
#include "container/layer_store.h"
#include "container/oci_runtime.h"
#include "container/rootfs.h"
#include "sys/file.h"
#include "sys/process.h"

namespace duet::cli {
namespace {

// The OCI runtime that SIGTERM and SIGHUP are passed on to.
std::atomic<pid_t> running_child{0};

extern "C" void pass_signal(int signal) {
  if (const pid_t pid = running_child; pid > 0) {
    kill(pid, signal);
  }
}

// A terminal sends SIGINT and SIGQUIT to the runtime by itself; this process only has to outlive
// them, to clean up. Handlers, unlike ignored signals, are not inherited by the runtime.
void outlive_signals() {
  struct sigaction action{};
  action.sa_handler = pass_signal;
  for (const int signal : {SIGTERM, SIGHUP}) {
    sigaction(signal, &action, nullptr);
  }
  action.sa_handler = [](int) {};
  for (const int signal : {SIGINT, SIGQUIT}) {
    sigaction(signal, &action, nullptr);
  }
}

// One container's folder, file system and entry with the OCI runtime; all removed at the end.
class Bundle {
 public:
  Bundle(const container::OciRuntime& runtime, std::string id, std::string path)
      : runtime_(runtime), id_(std::move(id)), path_(std::move(path)) {}
  ~Bundle() {
    (void)runtime_.remove(id_);
    (void)container::remove_rootfs(path_);
    (void)sys::remove_tree(path_);
  }
  Bundle(const Bundle&) = delete;
  Bundle& operator=(const Bundle&) = delete;

  const std::string& id() const { return id_; }
  const std::string& path() const { return path_; }

 private:
  const container::OciRuntime& runtime_;
  std::string id_;
  std::string path_;
};

container::ContainerSpec spec_of(const std::string& id, const RunOptions& options) {
  container::ContainerSpec spec{.id = id,
                                .hostname = id,
                                .args = options.args,
                                .env = options.env,
                                .hosts_file = "/etc/hosts",
                                .resolv_conf_file = "/etc/resolv.conf",
                                .cgroup_path = "/duet/" + id,
                                .tty = options.tty};
  for (const auto& mount : options.mounts) {
    spec.mounts.push_back(
        {mount.host_path, mount.guest_path,
         mount.read_only ? sys::MountAccess::kReadOnly : sys::MountAccess::kReadWrite});
  }
  if (options.uid >= 0) {
    spec.security.run_as_user = options.uid;
    spec.security.run_as_group = options.gid;
  }
  if (options.memory_bytes > 0) {
    spec.resources.memory_limit_bytes = options.memory_bytes;
  }
  return spec;
}

Result<std::vector<std::string>> unpack(const Invocation& invocation, const oci::Image& image) {
  DUET_ASSIGN(const std::string helpers, sys::executable_directory());
  DUET_ASSIGN(const auto store, open_images(invocation));
  DUET_ASSIGN(const auto layers,
              container::LayerStore::open(
                  {.root = invocation.paths().layers(), .unpacker = helpers + "/duet-unpack"}));
  return layers->ensure(image, [&](const oci::Descriptor& blob) { return store.open_blob(blob); });
}

Result<int> run_bundle(const container::OciRuntime& runtime, const Bundle& bundle) {
  outlive_signals();
  const sys::Command command{.argv = runtime.run_argv({.id = bundle.id(), .bundle = bundle.path()}),
                             .stdin_fd = 0,
                             .stdout_fd = 1,
                             .stderr_fd = 2};
  DUET_ASSIGN(const pid_t pid, sys::spawn(command));
  running_child = pid;
  const auto ended = sys::wait(pid);
  running_child = 0;
  DUET_TRY(ended.ok() ? Status() : Status(ended.error()));
  return ended->code;
}

Result<int> run_image(const Invocation& invocation, const oci::Image& image,
                      const RunOptions& options) {
  const SitePaths paths = invocation.paths();
  const std::string scratch = paths.state + "/run";
  DUET_TRY(sys::make_directories(scratch, 0711));
  DUET_TRY(sys::make_directories(paths.run, 0700));
  DUET_ASSIGN(const auto runtime,
              container::OciRuntime::probe({.state_root = paths.run + "/oci"}, scratch));
  DUET_ASSIGN(const auto host, container::probe_host(container::kDefaultSeccompProfile));
  DUET_ASSIGN(const auto layers, unpack(invocation, image));
  const std::string id = "run-" + std::to_string(getpid());
  const Bundle bundle(runtime, id, scratch + "/" + id);
  DUET_TRY(sys::make_directories(bundle.path(), 0711));
  DUET_ASSIGN(const std::string rootfs,
              container::mount_rootfs({.directory = bundle.path(), .layers = layers}));
  DUET_ASSIGN(const std::string config,
              container::oci_config(image.config, spec_of(id, options), rootfs, host));
  DUET_TRY(container::write_bundle(bundle.path(), config));
  return run_bundle(runtime, bundle);
}

}  // namespace

Result<int> run_container(const Invocation& invocation, const Workload& workload,
                          const RunOptions& options) {
  if (geteuid() != 0) {
    return Error(ErrorCode::kPermission,
                 "error: containers need root; Wasm programs run as any user");
  }
  auto code = run_image(invocation, *workload.image, options);
  return code.ok() ? std::move(code) : command_error(code.error());
}

}  // namespace duet::cli
