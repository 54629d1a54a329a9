#include "gateway/worker_process.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "gateway/control.h"

namespace duet::gateway {

Result<WorkerProcess> WorkerProcess::start(sys::Command command, const std::vector<int>& folders) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return Error::from_errno("socketpair", errno);
  }
  sys::Fd ours(ends[0]);
  const sys::Fd theirs(ends[1]);
  DUET_TRY(bound_calls(ours.get()));
  command.extra_fds = {theirs.get()};
  command.extra_fds.insert(command.extra_fds.end(), folders.begin(), folders.end());
  DUET_ASSIGN(const pid_t pid, sys::spawn(command));
  sys::Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  WorkerProcess process(pid, std::move(ours), std::move(pidfd));
  if (!process.pidfd_.valid()) {
    return Error::from_errno("pidfd_open", errno);
  }
  return process;
}

WorkerProcess::WorkerProcess(WorkerProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      control_(std::move(other.control_)),
      pidfd_(std::move(other.pidfd_)) {}

WorkerProcess::~WorkerProcess() {
  if (pid_ != 0) {
    kill();
    static_cast<void>(sys::wait(pid_));
  }
}

Result<std::string> WorkerProcess::call(std::string_view text, int fd) {
  return exchange_packets(control_.get(), text, fd);
}

void WorkerProcess::kill() const {
  if (pid_ != 0) {
    ::kill(pid_, SIGKILL);
  }
}

std::string WorkerProcess::reap() {
  const auto status = sys::wait(std::exchange(pid_, 0));
  return status.ok() ? status->describe() : status.error().message();
}

}  // namespace duet::gateway
