#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

// Control groups, versions 1 and 2, behind one interface (kernel:
// Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst).
namespace duet::sys {

// kHybrid: version 1 controllers with a version 2 tree for bookkeeping only; handled as version 1.
enum class CgroupLayout { kV1, kHybrid, kV2 };

// What a group may use; an empty member leaves the kernel's setting alone.
struct CgroupLimits {
  std::optional<uint64_t> cpu_shares;     // version 1 scale, 2 to 262144; version 2 gets the weight
  std::optional<int64_t> cpu_quota_us;    // of each period; negative: no limit
  std::optional<uint64_t> cpu_period_us;  // default 100,000
  std::optional<int64_t> memory_bytes;
  std::optional<int64_t> pids;
};

struct CgroupUsage {
  int64_t memory_bytes = 0;              // all that is charged, page cache included
  int64_t memory_working_set_bytes = 0;  // without inactive file pages, as the kubelet counts
  int64_t cpu_ns = 0;                    // since the group was made
  int64_t oom_kills = 0;
};

// The cgroup hierarchies mounted below one folder. A group is named by its path in them, for
// example
// "/duet/pod1". Immutable after detect(), thread-safe.
class Cgroups {
 public:
  // Looks at what is mounted below `root`, normally /sys/fs/cgroup. kUnsupported: nothing that can
  // be used there.
  static Result<Cgroups> detect(const std::string& root);

  CgroupLayout layout() const { return layout_; }
  // Whether this machine can limit with `controller` ("cpu", "memory", "pids").
  bool has_controller(const std::string& controller) const;

  // Makes the group and its parents in every hierarchy that duet uses. One that exists is fine.
  Status create(const std::string& group) const;
  // kUnsupported when a limit is asked for whose controller is missing.
  Status set_limits(const std::string& group, const CgroupLimits& limits) const;
  // Files into which a process id is written to join the group: one a hierarchy (version 2: one).
  std::vector<std::string> procs_files(const std::string& group) const;
  // Moves `pid` (0: the calling process) into the group.
  Status join(const std::string& group, int pid) const;
  // Processes of the group and of all groups below it, each once.
  Result<std::vector<int>> processes(const std::string& group) const;
  // kNotFound when the group does not exist. Counts the groups below it too.
  Result<CgroupUsage> usage(const std::string& group) const;
  // The file in which the kernel counts the group's OOM kills (version 1: memory.oom_control,
  // version 2: memory.events); empty without the memory controller.
  std::string oom_counter_file(const std::string& group) const;
  // Kills every process of the group and of those below it with SIGKILL and waits until they are
  // dead. A group that does not exist is fine. kTimeout: some live on.
  Status kill(const std::string& group, int64_t timeout_ms) const;
  // Waits until the group and those below it have no process. kTimeout: some live on.
  Status wait_until_empty(const std::string& group, int64_t timeout_ms) const;
  // Removes the group and those below it, which must hold no process. One that does not exist is
  // fine.
  Status remove(const std::string& group) const;

 private:
  struct Hierarchy {
    std::string path;                      // where it is mounted
    std::vector<std::string> controllers;  // that duet uses of it
  };
  const Hierarchy* hierarchy_of(const std::string& controller) const;
  Status write_limit(const std::string& controller, const std::string& group,
                     const std::string& file, const std::string& value) const;
  Status set_cpu(const std::string& group, const CgroupLimits& limits) const;

  CgroupLayout layout_ = CgroupLayout::kV2;
  std::vector<Hierarchy> hierarchies_;
};

// The version 2 cpu.weight (1 to 10000) of version 1 cpu.shares, by the OCI runtimes' formula.
uint64_t cpu_weight_of_shares(uint64_t shares);

}  // namespace duet::sys
