#include "monitor/reaper.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace duet::monitor {

Result<std::unique_ptr<Reaper>> Reaper::create(Loop& loop) {
  sigset_t child;
  ::sigemptyset(&child);
  ::sigaddset(&child, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child, nullptr);
  sys::Fd signals(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals.valid()) {
    return Error::from_errno("signalfd", errno);
  }
  std::unique_ptr<Reaper> reaper(new Reaper(loop, std::move(signals)));
  DUET_ASSIGN(reaper->watch_, loop.watch(reaper->signals_.get(), EPOLLIN,
                                         [reaper = reaper.get()](uint32_t) { reaper->reap(); }));
  return reaper;
}

Reaper::~Reaper() { loop_.forget(watch_); }

void Reaper::release() {
  if (--holders_ == 0) {
    unknown_.clear();
  }
}

Status Reaper::adopt(pid_t pid, Callback callback) {
  const auto found = std::find_if(unknown_.begin(), unknown_.end(),
                                  [pid](const Unknown& unknown) { return unknown.pid == pid; });
  if (found != unknown_.end()) {
    loop_.defer([callback = std::move(callback), status = found->status] { callback(status); });
    unknown_.erase(found);
    return {};
  }
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
    return internal("process " + std::to_string(pid) +
                    " is not a child of the monitor: the OCI runtime did not leave it behind");
  }
  expect(pid, std::move(callback));
  return {};
}

void Reaper::reap() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
  }
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    const sys::ExitStatus end = WIFSIGNALED(status)
                                    ? sys::ExitStatus{128 + WTERMSIG(status), WTERMSIG(status)}
                                    : sys::ExitStatus{WEXITSTATUS(status), 0};
    const auto found = expected_.find(pid);
    if (found != expected_.end()) {
      const Callback callback = std::move(found->second);
      expected_.erase(found);
      callback(end);
    } else if (holders_ > 0) {
      if (unknown_.size() == kUnknownLimit) {
        unknown_.pop_front();
      }
      unknown_.push_back({pid, end});
    }
  }
}

}  // namespace duet::monitor
