#include "sys/cgroup.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>
#include <string_view>
#include <utility>

#include "sys/cgroup_files.h"
#include "sys/cgroup_processes.h"
#include "sys/file.h"

namespace duet::sys {

namespace {

constexpr uint64_t kDefaultCpuPeriodUs = 100'000;
// The controllers that a version 2 group must hand down to those below it.
constexpr std::string_view kWantedControllers[] = {"cpu", "memory", "pids", "cpuset", "io"};

// A group's name is joined to paths: it must not climb.
Status check_group(const std::string& group) {
  const auto parts = split_list(group, '/');
  const bool climbs = std::find(parts.begin(), parts.end(), "..") != parts.end();
  if (group.empty() || group[0] != '/' || parts.empty() || climbs ||
      parts.size() > kCgroupDepthLimit) {
    return invalid("cgroup \"" + group +
                   "\": a path from the root such as /duet/pod is needed, without \"..\"");
  }
  return {};
}

// A version 1 cpuset takes no process before it has processors and memory nodes.
Status inherit_cpuset(const std::string& parent, const std::string& directory) {
  for (const char* file : {"/cpuset.cpus", "/cpuset.mems"}) {
    const auto own = read_cgroup_file(directory + file);
    if (own.ok() && split_list(*own, '\n').empty()) {
      DUET_ASSIGN(const std::string value, read_cgroup_file(parent + file));
      DUET_TRY(write_file(directory + file, value));
    }
  }
  return {};
}

// Lets the groups below `directory` have the controllers that it has itself.
Status hand_down_controllers(const std::string& directory) {
  DUET_ASSIGN(const std::string text, read_cgroup_file(directory + "/cgroup.controllers"));
  const auto available = split_list(text, ' ');
  std::string wanted;
  for (const auto controller : kWantedControllers) {
    if (std::find(available.begin(), available.end(), controller) != available.end()) {
      wanted += (wanted.empty() ? "+" : " +") + std::string(controller);
    }
  }
  if (wanted.empty()) {
    return {};
  }
  auto status = write_file(directory + "/cgroup.subtree_control", wanted);
  if (!status.ok()) {
    return status.error().wrap("hand the controllers " + wanted +
                               " down (a group with processes of its own cannot)");
  }
  return {};
}

Status make_group_directory(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
    return Error::from_errno("make the cgroup " + directory, errno);
  }
  return {};
}

}  // namespace

uint64_t cpu_weight_of_shares(uint64_t shares) {
  if (shares == 0) {
    return 0;
  }
  shares = std::clamp<uint64_t>(shares, 2, 262'144);
  return 1 + ((shares - 2) * 9999) / 262'142;
}

Result<Cgroups> Cgroups::detect(const std::string& root) {
  Cgroups found;
  if (file_exists(root + "/cgroup.controllers")) {
    DUET_ASSIGN(const std::string text, read_cgroup_file(root + "/cgroup.controllers"));
    found.layout_ = CgroupLayout::kV2;
    found.hierarchies_.push_back({root, split_list(text, ' ')});
    return found;
  }
  DUET_ASSIGN(const auto names, list_directory(root));
  found.layout_ = CgroupLayout::kV1;
  std::set<std::pair<dev_t, ino_t>> seen;  // "cpu" may be a link to "cpu,cpuacct"
  for (const auto& name : names) {
    const std::string path = root + "/" + name;
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0 || !file_exists(path + "/cgroup.procs")) {
      continue;
    }
    const bool is_v2 = file_exists(path + "/cgroup.controllers");
    if (is_v2) {
      found.layout_ = CgroupLayout::kHybrid;
    }
    struct stat link{};
    if (::lstat(path.c_str(), &link) != 0 || S_ISLNK(link.st_mode) ||
        !seen.insert({info.st_dev, info.st_ino}).second) {
      continue;
    }
    found.hierarchies_.push_back(
        {path, is_v2 ? std::vector<std::string>{} : split_list(name, ',')});
  }
  if (found.hierarchies_.empty()) {
    return Error(ErrorCode::kUnsupported,
                 root + ": no cgroup hierarchy is mounted there; mount cgroup2 at it");
  }
  return found;
}

const Cgroups::Hierarchy* Cgroups::hierarchy_of(const std::string& controller) const {
  for (const auto& hierarchy : hierarchies_) {
    const auto& names = hierarchy.controllers;
    if (std::find(names.begin(), names.end(), controller) != names.end()) {
      return &hierarchy;
    }
  }
  return nullptr;
}

bool Cgroups::has_controller(const std::string& controller) const {
  return hierarchy_of(controller) != nullptr;
}

Status Cgroups::create(const std::string& group) const {
  DUET_TRY(check_group(group));
  for (const auto& hierarchy : hierarchies_) {
    std::string parent = hierarchy.path;
    const auto& names = hierarchy.controllers;
    const bool cpuset = std::find(names.begin(), names.end(), "cpuset") != names.end();
    for (const auto& part : split_list(group, '/')) {
      const std::string directory = parent + "/" + part;
      if (layout_ == CgroupLayout::kV2) {
        DUET_TRY(hand_down_controllers(parent));
      }
      DUET_TRY(make_group_directory(directory));
      if (cpuset && layout_ != CgroupLayout::kV2) {
        DUET_TRY(inherit_cpuset(parent, directory));
      }
      parent = directory;
    }
  }
  return {};
}

Status Cgroups::write_limit(const std::string& controller, const std::string& group,
                            const std::string& file, const std::string& value) const {
  const auto* hierarchy = hierarchy_of(controller);
  if (hierarchy == nullptr) {
    return Error(ErrorCode::kUnsupported, "cgroup " + group + ": this machine has no " +
                                              controller + " controller, its limit cannot be set");
  }
  auto status = write_file(hierarchy->path + group + "/" + file, value);
  if (!status.ok()) {
    return status.error().wrap("set " + file + " to " + value);
  }
  return {};
}

Status Cgroups::set_cpu(const std::string& group, const CgroupLimits& limits) const {
  const bool v2 = layout_ == CgroupLayout::kV2;
  if (limits.cpu_shares) {
    const uint64_t shares = *limits.cpu_shares;
    DUET_TRY(
        v2 ? write_limit("cpu", group, "cpu.weight", std::to_string(cpu_weight_of_shares(shares)))
           : write_limit("cpu", group, "cpu.shares", std::to_string(shares)));
  }
  if (!limits.cpu_quota_us) {
    return {};
  }
  const auto period = std::to_string(limits.cpu_period_us.value_or(kDefaultCpuPeriodUs));
  const int64_t quota = *limits.cpu_quota_us;
  if (v2) {
    const auto allowed = quota < 0 ? "max" : std::to_string(quota);
    return write_limit("cpu", group, "cpu.max", allowed + " " + period);
  }
  DUET_TRY(write_limit("cpu", group, "cpu.cfs_period_us", period));
  return write_limit("cpu", group, "cpu.cfs_quota_us", std::to_string(quota < 0 ? -1 : quota));
}

Status Cgroups::set_limits(const std::string& group, const CgroupLimits& limits) const {
  DUET_TRY(check_group(group));
  const bool v2 = layout_ == CgroupLayout::kV2;
  DUET_TRY(set_cpu(group, limits));
  if (limits.memory_bytes) {
    const int64_t bytes = *limits.memory_bytes;
    const std::string unlimited = v2 ? "max" : "-1";
    DUET_TRY(write_limit("memory", group, v2 ? "memory.max" : "memory.limit_in_bytes",
                         bytes < 0 ? unlimited : std::to_string(bytes)));
  }
  if (limits.pids) {
    DUET_TRY(write_limit("pids", group, "pids.max",
                         *limits.pids < 0 ? "max" : std::to_string(*limits.pids)));
  }
  return {};
}

std::vector<std::string> Cgroups::procs_files(const std::string& group) const {
  std::vector<std::string> files;
  files.reserve(hierarchies_.size());
  for (const auto& hierarchy : hierarchies_) {
    files.push_back(hierarchy.path + group + "/cgroup.procs");
  }
  return files;
}

Status Cgroups::join(const std::string& group, int pid) const {
  DUET_TRY(check_group(group));
  for (const auto& file : procs_files(group)) {
    auto status = write_file(file, std::to_string(pid));
    if (!status.ok()) {
      return status.error().wrap("join the cgroup " + group);
    }
  }
  return {};
}

Result<std::vector<int>> Cgroups::processes(const std::string& group) const {
  DUET_TRY(check_group(group));
  std::set<int> pids;
  for (const auto& hierarchy : hierarchies_) {
    for (const auto& directory : cgroup_tree(hierarchy.path + group)) {
      const auto text = read_cgroup_file(directory + "/cgroup.procs");
      if (!text.ok()) {
        continue;  // the group went away meanwhile
      }
      for (const auto& line : split_list(*text, '\n')) {
        const auto pid = static_cast<int>(leading_number(line));
        if (pid > 0) {  // 0: of another PID namespace
          pids.insert(pid);
        }
      }
    }
  }
  return std::vector<int>(pids.begin(), pids.end());
}

Result<CgroupUsage> Cgroups::usage(const std::string& group) const {
  DUET_TRY(check_group(group));
  if (std::none_of(hierarchies_.begin(), hierarchies_.end(),
                   [&](const auto& each) { return file_exists(each.path + group); })) {
    return not_found("cgroup " + group + " does not exist");
  }
  CgroupUsage usage;
  const auto* memory = hierarchy_of("memory");
  const std::string memory_path = memory == nullptr ? "" : memory->path + group;
  int64_t inactive_file = 0;
  if (layout_ == CgroupLayout::kV2) {
    usage.cpu_ns =
        read_cgroup_value(hierarchies_[0].path + group + "/cpu.stat", "usage_usec") * 1000;
    usage.memory_bytes = read_cgroup_number(memory_path + "/memory.current");
    inactive_file = read_cgroup_value(memory_path + "/memory.stat", "inactive_file");
    usage.oom_kills = read_cgroup_value(memory_path + "/memory.events", "oom_kill");
  } else {
    if (const auto* cpuacct = hierarchy_of("cpuacct")) {
      usage.cpu_ns = read_cgroup_number(cpuacct->path + group + "/cpuacct.usage");
    }
    usage.memory_bytes = read_cgroup_number(memory_path + "/memory.usage_in_bytes");
    inactive_file = read_cgroup_value(memory_path + "/memory.stat", "total_inactive_file");
    for (const auto& directory : cgroup_tree(memory_path)) {
      usage.oom_kills += read_cgroup_value(directory + "/memory.oom_control", "oom_kill");
    }
  }
  usage.memory_working_set_bytes = std::max<int64_t>(0, usage.memory_bytes - inactive_file);
  return usage;
}

std::string Cgroups::oom_counter_file(const std::string& group) const {
  const auto* memory = hierarchy_of("memory");
  if (memory == nullptr) {
    return "";
  }
  return memory->path + group +
         (layout_ == CgroupLayout::kV2 ? "/memory.events" : "/memory.oom_control");
}

Status Cgroups::kill(const std::string& group, int64_t timeout_ms) const {
  const MonotonicTime deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  for (;;) {  // again, because a process may have forked before it was killed
    DUET_ASSIGN(const auto pids, processes(group));
    if (pids.empty()) {
      return {};
    }
    const auto status = kill_and_wait(pids, deadline);
    if (!status.ok()) {
      return status.error().wrap("kill the cgroup " + group);
    }
    if (left_ms(deadline) == 0) {
      return Error(ErrorCode::kTimeout, "cgroup " + group + ": new processes keep appearing");
    }
  }
}

Status Cgroups::wait_until_empty(const std::string& group, int64_t timeout_ms) const {
  const MonotonicTime deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  for (;;) {  // again, because a process may have forked before it ended
    DUET_ASSIGN(const auto pids, processes(group));
    const std::vector<Fd> open = open_processes(pids);
    if (open.empty()) {
      return {};
    }
    DUET_TRY(wait_for_all(open, deadline));
    if (left_ms(deadline) == 0) {
      return Error(ErrorCode::kTimeout, "cgroup " + group + ": new processes keep appearing");
    }
  }
}

Status Cgroups::remove(const std::string& group) const {
  DUET_TRY(check_group(group));
  for (const auto& hierarchy : hierarchies_) {
    auto directories = cgroup_tree(hierarchy.path + group);
    for (auto it = directories.rbegin(); it != directories.rend(); ++it) {
      if (::rmdir(it->c_str()) != 0 && errno != ENOENT) {
        return Error::from_errno("remove the cgroup " + *it, errno);
      }
    }
  }
  return {};
}

}  // namespace duet::sys
