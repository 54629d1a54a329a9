#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "sys/clock.h"
#include "sys/fd.h"

// Waiting for the end of a cgroup's processes, which need not be children of the caller, and
// bringing it about. All functions are thread-safe.
namespace duet::sys {

// Milliseconds until `deadline`, rounded up; 0 when it has passed.
int64_t left_ms(MonotonicTime deadline);

// A pidfd (pidfd_open(2)) for each process that is still there.
std::vector<Fd> open_processes(const std::vector<int>& pids);

// Waits until each process, given by its pidfd, is dead (reaped or not). kTimeout: some live on at
// the deadline.
Status wait_for_all(const std::vector<Fd>& processes, MonotonicTime deadline);

// Kills the processes with SIGKILL and waits for them. Those that are gone are fine. kConflict: the
// caller is one of them. kTimeout: some live on at the deadline.
Status kill_and_wait(const std::vector<int>& pids, MonotonicTime deadline);

}  // namespace duet::sys
