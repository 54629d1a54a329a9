#include "container/oci_runtime.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "container/bundle.h"
#include "container/run.h"
#include "container/tree_path.h"
#include "sys/fd.h"
#include "sys/file.h"

namespace duet::container {

namespace {

Result<sys::Output> run(Argv argv, int64_t timeout_ms) {
  sys::Command command;
  command.argv = std::move(argv);
  return run_leaving_children(std::move(command), timeout_ms);
}

// What a runtime said on stderr, on one line.
std::string reason_of(const sys::Output& output) {
  std::string text = output.err.empty() ? output.out : output.err;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
    text.pop_back();
  }
  for (char& each : text) {
    each = each == '\n' ? ' ' : each;
  }
  return text.empty() ? output.status.describe() : text;
}

RuntimeStatus status_named(const std::string& name) {
  if (name == "creating") {
    return RuntimeStatus::kCreating;
  }
  if (name == "created") {
    return RuntimeStatus::kCreated;
  }
  if (name == "running") {
    return RuntimeStatus::kRunning;
  }
  return name == "paused" ? RuntimeStatus::kPaused : RuntimeStatus::kStopped;
}

// Trials leave something behind when their agent is killed: an id that begins with the first, a
// bundle that begins with the second.
constexpr char kTrialId[] = "duet-trial-";
constexpr char kTrialBundle[] = "trial-";

// One probe at a time works in a state folder, so what another one left can be told from what it
// still needs.
Result<sys::Fd> lock_probing(const std::string& state_root) {
  DUET_ASSIGN(sys::Fd fd, sys::open_file(state_root + "/probe.lock", O_RDWR | O_CREAT, 0600));
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) {
      return Error::from_errno("lock " + state_root, errno);
    }
  }
  return fd;
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// The third word of "runc version 1.1.5+ds1".
std::string version_in(const std::string& text) {
  std::stringstream stream(text);
  std::string word;
  stream >> word >> word >> word;
  return word;
}

// A container whose program is never started: creating it shows whether the runtime can.
Status write_trial_bundle(const std::string& bundle, const std::string& id) {
  const std::string rootfs = bundle + "/rootfs";
  DUET_TRY(sys::make_directories(rootfs));
  DUET_TRY(sys::write_file(rootfs + "/trial", "", 0755));
  ContainerSpec spec;
  spec.id = id;
  spec.command = {"/trial"};
  spec.cgroup_path = "/" + id;
  spec.security.seccomp = SeccompChoice::kUnconfined;
  DUET_ASSIGN(const BundleHost host, probe_host(kDefaultSeccompProfile));
  DUET_ASSIGN(const std::string config, oci_config({}, spec, rootfs, host));
  return write_bundle(bundle, config);
}

Status wait_for_end(int pid, int64_t timeout_ms) {
  const sys::Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process.valid()) {
    return {};  // gone already
  }
  pollfd waited{process.get(), POLLIN, 0};
  while (::poll(&waited, 1, static_cast<int>(timeout_ms)) < 0 && errno == EINTR) {
  }
  return {};
}

Argv with(Argv argv, const Argv& more) {
  argv.insert(argv.end(), more.begin(), more.end());
  return argv;
}

void add_option(Argv& argv, const char* name, const std::string& value) {
  if (!value.empty()) {
    argv.insert(argv.end(), {name, value});
  }
}

}  // namespace

Result<OciRuntime> OciRuntime::probe(const Options& options, const std::string& scratch) {
  DUET_TRY(sys::make_directories(options.state_root, 0700));
  DUET_ASSIGN(const sys::Fd lock, lock_probing(options.state_root));
  std::string refused;
  std::string missing;
  for (const auto& candidate : options.candidates) {
    const bool is_path = candidate.find('/') != std::string::npos;
    OciRuntime runtime;
    runtime.path_ = is_path && ::access(candidate.c_str(), X_OK) == 0
                        ? candidate
                        : find_program(candidate, is_path ? Argv{} : program_directories());
    if (runtime.path_.empty()) {
      missing += (missing.empty() ? "" : ", ") + candidate;
      continue;
    }
    runtime.name_ = base_name(runtime.path_);
    // Each runtime has a format of its own for what it keeps there.
    runtime.state_root_ = options.state_root + "/" + runtime.name_;
    runtime.timeout_ms_ = options.timeout_ms;
    const auto status = runtime.try_out(scratch);
    if (status.ok()) {
      return runtime;
    }
    refused += (refused.empty() ? "" : "; ") + runtime.path_ + ": " + status.error().message();
  }
  if (refused.empty()) {
    return not_found("no OCI runtime is installed (looked for " + missing +
                     "): install the package crun or runc");
  }
  return Error(ErrorCode::kUnsupported, "no OCI runtime works on this machine: " + refused);
}

Status OciRuntime::try_out(const std::string& scratch) {
  DUET_ASSIGN(const auto version, run({path_, "--version"}, timeout_ms_));
  version_ = version_in(version.out);
  DUET_TRY(sys::make_directories(state_root_, 0700));
  DUET_TRY(sys::make_directories(scratch));
  remove_old_trials(scratch);
  DUET_ASSIGN(const std::string bundle, sys::make_temporary_directory(scratch, kTrialBundle));
  const std::string id = "duet-" + base_name(bundle);
  auto status = write_trial_bundle(bundle, id);
  if (status.ok()) {
    const auto output = run(create_argv({.id = id, .bundle = bundle}), timeout_ms_);
    if (!output.ok()) {
      status = output.error();
    } else if (!output->status.ok()) {
      status = Error(ErrorCode::kUnsupported, reason_of(*output));
    }
    (void)remove(id);
  }
  (void)remove_foreign_tree(bundle);
  return status;
}

void OciRuntime::remove_old_trials(const std::string& scratch) const {
  const auto ids = sys::list_directory(state_root_);
  for (const auto& id : ids.value_or({})) {
    if (id.starts_with(kTrialId)) {
      (void)remove(id);
    }
  }
  const auto bundles = sys::list_directory(scratch);
  for (const auto& bundle : bundles.value_or({})) {
    if (bundle.starts_with(kTrialBundle)) {
      (void)remove_foreign_tree(scratch + "/" + bundle);
    }
  }
}

Argv OciRuntime::base() const { return {path_, "--root", state_root_}; }

Argv OciRuntime::create_argv(const CreateOptions& options) const {
  Argv argv = with(base(), {"create", "--bundle", options.bundle});
  add_option(argv, "--pid-file", options.pid_file);
  add_option(argv, "--console-socket", options.console_socket);
  return with(std::move(argv), {options.id});
}

Argv OciRuntime::start_argv(const std::string& id) const { return with(base(), {"start", id}); }

Argv OciRuntime::run_argv(const CreateOptions& options) const {
  Argv argv = with(base(), {"run", "--bundle", options.bundle});
  add_option(argv, "--pid-file", options.pid_file);
  add_option(argv, "--console-socket", options.console_socket);
  return with(std::move(argv), {options.id});
}

Argv OciRuntime::exec_argv(const ExecOptions& options) const {
  Argv argv = with(base(), {"exec", "--detach", "--process", options.process_file});
  add_option(argv, "--pid-file", options.pid_file);
  add_option(argv, "--console-socket", options.console_socket);
  return with(std::move(argv), {options.id});
}

Argv OciRuntime::kill_argv(const std::string& id, int signal) const {
  return with(base(), {"kill", id, std::to_string(signal)});
}

Argv OciRuntime::delete_argv(const std::string& id) const {
  return with(base(), {"delete", "--force", id});
}

Argv OciRuntime::state_argv(const std::string& id) const { return with(base(), {"state", id}); }

bool OciRuntime::knows(const std::string& id) const {
  return sys::file_exists(state_root_ + "/" + id);
}

Result<RuntimeState> OciRuntime::state(const std::string& id) const {
  if (!knows(id)) {
    return not_found(name_ + " knows no container " + id);
  }
  DUET_ASSIGN(const auto output, run(state_argv(id), timeout_ms_));
  const auto parsed = nlohmann::json::parse(output.out, nullptr, false);
  if (!output.status.ok() || !parsed.is_object()) {
    return internal(name_ + " state " + id + ": " + reason_of(output));
  }
  RuntimeState state;
  if (parsed.contains("status") && parsed["status"].is_string()) {
    state.status = status_named(parsed["status"].get<std::string>());
  }
  if (parsed.contains("pid") && parsed["pid"].is_number_integer()) {
    state.pid = parsed["pid"].get<int>();
  }
  return state;
}

Status OciRuntime::kill(const std::string& id, int signal) const {
  DUET_ASSIGN(const auto output, run(kill_argv(id, signal), timeout_ms_));
  if (!output.status.ok()) {
    return internal(name_ + " kill " + id + ": " + reason_of(output));
  }
  return {};
}

// delete --force first kills and then looks every 100 ms whether that helped. So: delete at once
// what is dead; else kill, wait for the very end, delete; force only as the last means.
Status OciRuntime::remove(const std::string& id) const {
  if (!knows(id)) {
    return {};
  }
  DUET_ASSIGN(const auto first, run(with(base(), {"delete", id}), timeout_ms_));
  if (first.status.ok() && !knows(id)) {
    return {};
  }
  const auto running = state(id);
  if (running.ok() && running->pid > 0) {
    (void)kill(id, SIGKILL);
    DUET_TRY(wait_for_end(running->pid, timeout_ms_));
  }
  DUET_ASSIGN(const auto last, run(delete_argv(id), timeout_ms_));
  if (!last.status.ok() || knows(id)) {
    return internal(name_ + " delete " + id + ": " + reason_of(last));
  }
  return {};
}

}  // namespace duet::container
