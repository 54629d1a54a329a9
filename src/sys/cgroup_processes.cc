#include "sys/cgroup_processes.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace duet::sys {

namespace {

Fd open_process(int pid) { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

}  // namespace

int64_t left_ms(MonotonicTime deadline) {
  const auto left = deadline - std::chrono::steady_clock::now();
  return std::max<int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(left).count());
}

std::vector<Fd> open_processes(const std::vector<int>& pids) {
  std::vector<Fd> open;
  for (const int pid : pids) {
    if (Fd fd = open_process(pid); fd.valid()) {
      open.push_back(std::move(fd));
    }
  }
  return open;
}

Status wait_for_all(const std::vector<Fd>& processes, MonotonicTime deadline) {
  for (const auto& fd : processes) {
    pollfd waited{fd.get(), POLLIN, 0};
    int ready = 0;
    do {
      ready = ::poll(&waited, 1, static_cast<int>(left_ms(deadline)));
    } while (ready < 0 && errno == EINTR);
    if (ready == 0) {
      return Error(ErrorCode::kTimeout, "processes of the cgroup do not die");
    }
  }
  return {};
}

Status kill_and_wait(const std::vector<int>& pids, MonotonicTime deadline) {
  std::vector<Fd> open;
  for (const int pid : pids) {
    if (pid == ::getpid()) {
      return Error(ErrorCode::kConflict, "the calling process is in the cgroup to be killed");
    }
    Fd fd = open_process(pid);
    if (fd.valid() && ::syscall(SYS_pidfd_send_signal, fd.get(), SIGKILL, nullptr, 0) == 0) {
      open.push_back(std::move(fd));
    }
  }
  return wait_for_all(open, deadline);
}

}  // namespace duet::sys
