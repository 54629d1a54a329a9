#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

// Child processes. All functions are thread-safe.
namespace duet::sys {

// What to start. argv[0] is looked up in PATH when it has no slash.
struct Command {
  std::vector<std::string> argv;
  // The whole environment as K=V; none: the caller's own.
  std::optional<std::vector<std::string>> env;
  std::string working_directory;  // empty: the caller's own
  // Descriptors for 0, 1 and 2; -1 is /dev/null. The caller keeps owning them.
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  // Passed on as 3, 4, ... in this order; every other descriptor is closed by close-on-exec.
  std::vector<int> extra_fds;
  bool new_session =
      false;  // setsid: the child outlives our terminal and our process group's signals
  bool controlling_terminal = false;  // stdin_fd is a terminal that becomes the new session's
  // Files of cgroups (cgroup.procs) that the child joins before it becomes the program.
  std::vector<std::string> cgroup_procs_files;
  std::string network_namespace;  // entered before exec; empty: the caller's own
};

// How a child ended: exit code, or 128 + signal as shells and Kubernetes count it.
struct ExitStatus {
  int code = 0;
  int signal = 0;  // 0: it exited by itself
  bool ok() const { return code == 0; }
  // "exit code 3" or "signal 9 (Killed)".
  std::string describe() const;
};

// Starts `command`, with default signals and the usual umask (022) whatever the caller's own are;
// the error says which step failed (also exec's own, such as a program that does not exist).
Result<pid_t> spawn(const Command& command);

// Waits until the child ends.
Result<ExitStatus> wait(pid_t pid);
// The status if the child has ended already.
Result<std::optional<ExitStatus>> try_wait(pid_t pid);
// As wait, but kTimeout after `timeout_ms`; the child is not touched.
Result<ExitStatus> wait_for(pid_t pid, int64_t timeout_ms);

// A pipe with both ends close-on-exec.
struct Pipe {
  Fd read;
  Fd write;
};
Result<Pipe> make_pipe();

// Lets this process, and what it starts, have as many open files as it may: a node has some for
// each pod, and the usual soft limit is 1024.
Status raise_descriptor_limit();

// Folder of the running executable: duet's helper programs stand beside it.
Result<std::string> executable_directory();

}  // namespace duet::sys
