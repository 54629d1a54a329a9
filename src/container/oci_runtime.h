#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

// Driving an OCI runtime's command line (runc, crun and those that take the same arguments).
namespace duet::container {

using Argv = std::vector<std::string>;

struct CreateOptions {
  std::string id;
  std::string bundle;
  std::string pid_file;        // gets the pid of the container's init
  std::string console_socket;  // Unix socket that gets the terminal; empty: no terminal
};

struct ExecOptions {
  std::string id;
  std::string process_file;    // process.json, see oci_exec_process()
  std::string pid_file;        // gets the pid of the new process
  std::string console_socket;  // as above
};

enum class RuntimeStatus { kCreating, kCreated, kRunning, kStopped, kPaused };

struct RuntimeState {
  RuntimeStatus status = RuntimeStatus::kStopped;
  int pid = 0;  // 0: no process
};

// One runtime that was seen to work on this machine. Immutable, thread-safe.
//
// The argvs are for the monitor, which runs them itself and, as subreaper, becomes the parent of
// the container's processes. create and exec return when the process is there (exec is detached:
// the monitor waits for the pid in pid_file); stdin, stdout and stderr of the runtime are those of
// the container unless it has a terminal.
class OciRuntime {
 public:
  struct Options {
    // Names (looked up in PATH and /usr/sbin, /sbin) or paths, the best first; the first that works
    // is taken.
    std::vector<std::string> candidates = {"crun", "runc"};
    // Where the runtime keeps its own state, for example /run/duet/oci; made if missing.
    std::string state_root;
    int64_t timeout_ms = 30'000;  // of one call
  };

  // Finds a runtime and runs a trivial container with it, because some refuse this machine's
  // cgroups only then. `scratch` is a folder for the trial's bundle. kNotFound: none is installed;
  // kUnsupported: none works, with the reason of each.
  static Result<OciRuntime> probe(const Options& options, const std::string& scratch);

  const std::string& path() const { return path_; }
  const std::string& name() const { return name_; }        // "runc"
  const std::string& version() const { return version_; }  // "1.1.5"

  Argv create_argv(const CreateOptions& options) const;
  Argv start_argv(const std::string& id) const;
  // create, start and wait at once, in the foreground: the exit code is the container's.
  Argv run_argv(const CreateOptions& options) const;
  Argv exec_argv(const ExecOptions& options) const;
  // `signal` as a number; to the container's init only.
  Argv kill_argv(const std::string& id, int signal) const;
  Argv delete_argv(const std::string& id) const;  // delete --force
  Argv state_argv(const std::string& id) const;

  // Runs state. kNotFound: the runtime does not know the container.
  Result<RuntimeState> state(const std::string& id) const;
  // Runs kill.
  Status kill(const std::string& id, int signal) const;
  // Kills what still runs and removes the container from the runtime's state, with its cgroup. One
  // that the runtime does not know is fine.
  Status remove(const std::string& id) const;

 private:
  OciRuntime() = default;
  Argv base() const;
  Status try_out(const std::string& scratch);
  // What a probe that was killed left.
  void remove_old_trials(const std::string& scratch) const;
  bool knows(const std::string& id) const;

  std::string path_;
  std::string name_;
  std::string version_;
  std::string state_root_;
  int64_t timeout_ms_ = 0;
};

}  // namespace duet::container
