#include "pod/wasm_runtime.h"

#include <algorithm>

#include "pod/resources.h"
#include "wasm/program.h"

namespace duet::pod {

namespace {

constexpr int64_t kNobody = 65534;
constexpr int64_t kPidsLimit = 64;
// Of the process beside the guest's own memory: code, stacks, the engine's tables.
constexpr int64_t kSandboxOverheadBytes = int64_t{32} << 20;

sys::CgroupLimits limits_of(const object::Resources& resources) {
  sys::CgroupLimits limits;
  limits.pids = kPidsLimit;
  if (resources.memory_limit_bytes) {
    limits.memory_bytes = *resources.memory_limit_bytes + kSandboxOverheadBytes;
  }
  limits.cpu_shares = cpu_shares(resources);
  if (const auto quota = cpu_quota_us(resources)) {
    limits.cpu_period_us = kCpuPeriodUs;
    limits.cpu_quota_us = quota;
  }
  return limits;
}

wasm::ProgramSpec spec_of(const StartRequest& request) {
  const auto& own = request.container.security;
  const auto& pod = request.pod.spec.security;
  wasm::ProgramSpec spec;
  spec.args = wasm_argv(request.container, request.image.image.config, request.environment);
  for (const auto& [name, value] :
       wasm_environment(request.image.image.config, request.environment)) {
    spec.env.push_back(name + "=" + value);
  }
  for (const auto& mount : request.mounts) {
    spec.mounts.push_back({mount.host_path, mount.container_path, mount.read_only});
  }
  spec.memory_limit_bytes =
      static_cast<uint64_t>(request.container.resources.memory_limit_bytes.value_or(0));
  spec.uid = static_cast<uid_t>(own.run_as_user.value_or(pod.run_as_user.value_or(kNobody)));
  spec.gid = static_cast<gid_t>(own.run_as_group.value_or(pod.run_as_group.value_or(kNobody)));
  spec.network = request.image.component && !request.sandbox.network_namespace.empty();
  return spec;
}

bool must_not_be_root(const StartRequest& request) {
  return request.container.security.run_as_non_root.value_or(
      request.pod.spec.security.run_as_non_root.value_or(false));
}

}  // namespace

std::vector<std::string> wasm_argv(const object::Container& container,
                                   const oci::ImageConfig& image, const Environment& environment) {
  std::vector<std::string> argv;
  const auto append = [&](const std::vector<std::string>& words, bool expand) {
    for (const auto& word : words) {
      argv.push_back(expand ? expand_references(word, environment) : word);
    }
  };
  append(container.command.empty() ? image.entrypoint : container.command,
         !container.command.empty());
  if (argv.empty()) {
    argv.push_back(container.name);
  }
  if (!container.args.empty()) {
    append(container.args, true);
  } else if (container.command.empty()) {
    // An image whose only word is its module has that word as argv[0] already.
    append(image.entrypoint.empty() && !image.cmd.empty()
               ? std::vector<std::string>(image.cmd.begin() + 1, image.cmd.end())
               : image.cmd,
           false);
  }
  return argv;
}

Environment wasm_environment(const oci::ImageConfig& image, const Environment& environment) {
  Environment merged;
  for (const auto& entry : image.env) {
    const auto equals = entry.find('=');
    if (equals == std::string::npos) {
      continue;
    }
    const std::string name = entry.substr(0, equals);
    const bool replaced = std::any_of(environment.begin(), environment.end(),
                                      [&](const auto& own) { return own.first == name; });
    if (!replaced) {
      merged.emplace_back(name, entry.substr(equals + 1));
    }
  }
  merged.insert(merged.end(), environment.begin(), environment.end());
  return merged;
}

Result<monitor::ChildState> WasmRuntime::start(const StartRequest& request) {
  const wasm::ProgramSpec spec = spec_of(request);
  if (spec.uid == 0 && must_not_be_root(request)) {
    return invalid("runAsNonRoot is set, but the program would run as root (user 0)");
  }
  if (!request.sandbox.address.get().ok()) {
    return request.sandbox.address.get().error();
  }
  DUET_ASSIGN(const wasm::Code code, cache_.find(request.image.code_digest));
  DUET_ASSIGN(const wasm::SandboxCommand command,
              wasm::make_sandbox_command(executable_, request.container.name, code.fd.get(), spec));
  monitor::ProcessStart start{.id = request.id, .argv = command.argv};
  start.network_namespace = request.sandbox.network_namespace;
  start.log.path = request.log_path;
  start.stdin_open = request.container.stdin_open;
  start.terminal = request.container.tty;
  if (cgroups_ != nullptr) {
    const std::string group = request.paths.cgroup(request.container.name);
    DUET_TRY(cgroups_->create(group));
    auto limits = limits_of(request.container.resources);
    if (!cgroups_->has_controller("cpu")) {
      limits.cpu_shares.reset();
    }
    DUET_TRY(cgroups_->set_limits(group, limits));
    start.cgroup_procs_files = cgroups_->procs_files(group);
    start.oom_counter_file = cgroups_->oom_counter_file(group);
  }
  return request.sandbox.monitor->start_process(start, command.fd_numbers());
}

Status WasmRuntime::remove(const PodPaths& paths, const std::string& container,
                           const std::string& /*id*/) {
  return cgroups_ == nullptr ? Status() : cgroups_->remove(paths.cgroup(container));
}

Result<monitor::ExecStart> WasmRuntime::exec(const ExecRequest& /*request*/) {
  return Error(ErrorCode::kUnsupported,
               "a Wasm program is alone in its sandbox: nothing can be executed beside it");
}

}  // namespace duet::pod
