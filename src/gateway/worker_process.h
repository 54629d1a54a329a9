#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.h"
#include "sys/fd.h"
#include "sys/process.h"

namespace duet::gateway {

// The descriptor under which a worker finds its control socket; the folders that it may reach
// follow.
inline constexpr int kWorkerControlFd = 3;

// A worker as its supervisor has it: a child process, and the control socket to it. Killed when
// this goes.
class WorkerProcess {
 public:
  // `command` without its descriptors past 2 but `folders`.
  static Result<WorkerProcess> start(sys::Command command, const std::vector<int>& folders);
  ~WorkerProcess();
  WorkerProcess(WorkerProcess&& other) noexcept;
  WorkerProcess& operator=(WorkerProcess&& other) = delete;

  // Sends a control packet and waits for the reply.
  Result<std::string> call(std::string_view text, int fd);
  // Ends it at once; ended_fd() tells when it is gone.
  void kill() const;
  pid_t pid() const { return pid_; }
  // Readable when the process has ended.
  int ended_fd() const { return pidfd_.get(); }
  // How it ended; call it once, when ended_fd() is readable.
  std::string reap();

 private:
  WorkerProcess(pid_t pid, sys::Fd control, sys::Fd pidfd)
      : pid_(pid), control_(std::move(control)), pidfd_(std::move(pidfd)) {}
  pid_t pid_;  // 0: reaped
  sys::Fd control_;
  sys::Fd pidfd_;
};

}  // namespace duet::gateway
