#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>

#include "base/result.h"
#include "monitor/loop.h"
#include "sys/fd.h"
#include "sys/process.h"

namespace duet::monitor {

// Waits for every process that is, or became, a child of this one (it is their subreaper). Those
// that nobody expects are reaped and forgotten. Not thread-safe.
class Reaper {
 public:
  using Callback = std::function<void(const sys::ExitStatus&)>;

  // Blocks SIGCHLD and takes it through the loop.
  static Result<std::unique_ptr<Reaper>> create(Loop& loop);
  ~Reaper();
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;

  // Calls `callback` when `pid`, a child that was not reaped, ends.
  void expect(pid_t pid, Callback callback) { expected_[pid] = std::move(callback); }
  // Still reaps `pid`, but tells nobody.
  void forget(pid_t pid) { expected_.erase(pid); }

  // While a runtime runs, a process that it leaves behind may end before its pid is known: ends of
  // unknown children are remembered (the last kUnknownLimit) between hold() and release().
  void hold() { ++holders_; }
  void release();

  // As expect, for a process that a runtime left behind. kInternal if it is not our child.
  Status adopt(pid_t pid, Callback callback);

 private:
  static constexpr size_t kUnknownLimit = 1024;
  struct Unknown {
    pid_t pid;
    sys::ExitStatus status;
  };

  Reaper(Loop& loop, sys::Fd signals) : loop_(loop), signals_(std::move(signals)) {}
  void reap();

  Loop& loop_;
  sys::Fd signals_;
  Loop::Token watch_ = 0;
  int holders_ = 0;
  std::map<pid_t, Callback> expected_;
  std::deque<Unknown> unknown_;
};

}  // namespace duet::monitor
