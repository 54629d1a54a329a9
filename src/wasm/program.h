#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

// Wasm programs as processes of their own: what `duet-sandbox` is given.
namespace duet::wasm {

// A folder of the host that the guest finds under another name.
struct Mount {
  std::string host_path;  // opened by the sandbox before it drops its privileges
  std::string guest_path;
  bool read_only = false;
};

// What a guest may see and use. Nothing else reaches it.
struct ProgramSpec {
  std::vector<std::string> args;  // argv[0] first
  std::vector<std::string> env;   // K=V
  std::vector<Mount> mounts;
  uint64_t memory_limit_bytes = 0;  // of all linear memories together; 0: the cgroup's alone
  uid_t uid = 65534;
  gid_t gid = 65534;
  bool network = false;  // sockets and name lookup of WASI 0.2, in the process's network namespace
};

// Exit codes of duet-sandbox. A guest's own exit code is passed on as it is.
inline constexpr int kExitTrap = 134;  // the guest trapped: 128 + SIGABRT; the trap is on stderr
inline constexpr int kExitSandboxFailed =
    125;  // the sandbox could not be set up; the reason is on stderr
// A signal that ends the sandbox (SIGTERM: 143) is seen as a signal by its parent.

// How to start a program: hand argv to monitor::MonitorClient::start_process (or sys::spawn) with
// `fds` as descriptors 3, 4. The specification is in a sealed memory file among them: arguments and
// environment never stand in argv or in the sandbox's own environment.
struct SandboxCommand {
  std::vector<std::string> argv;
  std::vector<sys::Fd> fds;
  // fds as plain numbers, for start_process.
  std::vector<int> fd_numbers() const;
};

// `executable` is duet-sandbox, `label` what process lists show (the container's name), `code_fd` a
// verified file of CodeCache::ensure (duplicated; the caller keeps its own). kInvalid for a
// specification that cannot be: an environment entry without '=', relative paths, more than 1 MiB.
Result<SandboxCommand> make_sandbox_command(const std::string& executable, const std::string& label,
                                            int code_fd, const ProgramSpec& spec);

}  // namespace duet::wasm
