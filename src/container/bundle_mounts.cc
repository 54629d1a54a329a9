#include "container/bundle_mounts.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "sys/file.h"

namespace duet::container {

namespace {

using nlohmann::json;

constexpr size_t kMountLimit = 1'000;
constexpr size_t kDeviceLimit = 1'000;
constexpr int kDeviceDepth = 4;

json kernel_mount(const char* destination, const char* type, std::vector<std::string> options) {
  return {{"destination", destination}, {"type", type}, {"source", type}, {"options", options}};
}

json bind_of(const std::string& source, const std::string& destination, sys::MountAccess access) {
  const char* mode = access == sys::MountAccess::kReadOnly ? "ro" : "rw";
  return {{"destination", destination},
          {"type", "bind"},
          {"source", source},
          {"options", {"rbind", "rprivate", mode}}};
}

json default_mounts(const ContainerSpec& spec) {
  const char* kernel_access = spec.security.privileged ? "rw" : "ro";
  json mounts = {
      kernel_mount("/proc", "proc", {"nosuid", "noexec", "nodev"}),
      kernel_mount("/dev", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}),
      kernel_mount("/dev/pts", "devpts",
                   {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}),
      kernel_mount("/dev/mqueue", "mqueue", {"nosuid", "noexec", "nodev"}),
      kernel_mount("/sys", "sysfs", {"nosuid", "noexec", "nodev", kernel_access}),
      kernel_mount("/sys/fs/cgroup", "cgroup",
                   {"nosuid", "noexec", "nodev", "relatime", kernel_access})};
  if (spec.shm_directory.empty()) {
    mounts.push_back(kernel_mount("/dev/shm", "tmpfs",
                                  {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}));
  } else {
    mounts.push_back(bind_of(spec.shm_directory, "/dev/shm", sys::MountAccess::kReadWrite));
  }
  return mounts;
}

void add_pod_files(const ContainerSpec& spec, json& mounts) {
  const auto access = spec.security.read_only_root_filesystem ? sys::MountAccess::kReadOnly
                                                              : sys::MountAccess::kReadWrite;
  const std::pair<const std::string&, const char*> files[] = {
      {spec.hosts_file, "/etc/hosts"},
      {spec.hostname_file, "/etc/hostname"},
      {spec.resolv_conf_file, "/etc/resolv.conf"}};
  for (const auto& [source, destination] : files) {
    if (!source.empty()) {
      mounts.push_back(bind_of(source, destination, access));
    }
  }
}

// "/a//b/./c/" as "/a/b/c". kInvalid when it is relative or climbs.
Result<std::string> clean_path(const std::string& path, const char* what) {
  if (path.empty() || path[0] != '/' || path.find('\0') != std::string::npos) {
    return invalid(std::string(what) + " \"" + path + "\" is not an absolute path");
  }
  std::string clean;
  for (size_t start = 1; start <= path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    const std::string part = path.substr(start, end - start);
    if (part == "..") {
      return invalid(std::string(what) + " \"" + path + "\" has \"..\"");
    }
    if (!part.empty() && part != ".") {
      clean += "/" + part;
    }
    start = end + 1;
  }
  return clean.empty() ? "/" : clean;
}

size_t depth_of(const json& mount) {
  const auto& path = mount["destination"].get_ref<const std::string&>();
  return static_cast<size_t>(std::count(path.begin(), path.end(), '/'));
}

Result<json> volume_mounts(const ContainerSpec& spec) {
  json volumes = json::array();
  for (const auto& each : spec.mounts) {
    DUET_ASSIGN(const std::string destination, clean_path(each.destination, "mount path"));
    if (destination == "/") {
      return invalid("a volume cannot be mounted at \"/\"");
    }
    DUET_ASSIGN(const std::string source, clean_path(each.source, "the source of a mount"));
    volumes.push_back(bind_of(source, destination, each.access));
  }
  // A volume inside another one must come after it.
  std::stable_sort(volumes.begin(), volumes.end(),
                   [](const json& a, const json& b) { return depth_of(a) < depth_of(b); });
  return volumes;
}

void add_devices(const std::string& directory, int depth, json& devices) {
  const auto names = sys::list_directory(directory);
  for (const auto& name : names.ok() ? *names : std::vector<std::string>()) {
    // These are the container's own.
    const bool own = directory == "/dev" && (name == "pts" || name == "shm" || name == "mqueue" ||
                                             name == "fd" || name == "console" || name == "ptmx");
    const std::string path = directory + "/" + name;
    struct stat info{};
    if (own || devices.size() >= kDeviceLimit || ::lstat(path.c_str(), &info) != 0) {
      continue;
    }
    if (S_ISDIR(info.st_mode) && depth < kDeviceDepth) {
      add_devices(path, depth + 1, devices);
    } else if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) {
      devices.push_back({{"path", path},
                         {"type", S_ISCHR(info.st_mode) ? "c" : "b"},
                         {"major", major(info.st_rdev)},
                         {"minor", minor(info.st_rdev)},
                         {"fileMode", info.st_mode & 07777U},
                         {"uid", info.st_uid},
                         {"gid", info.st_gid}});
    }
  }
}

}  // namespace

Result<json> bundle_mounts(const ContainerSpec& spec) {
  if (spec.mounts.size() > kMountLimit) {
    return Error(ErrorCode::kExhausted, "more than " + std::to_string(kMountLimit) + " mounts");
  }
  DUET_ASSIGN(const json volumes, volume_mounts(spec));
  json ours = default_mounts(spec);
  add_pod_files(spec, ours);
  json mounts = json::array();
  for (const auto& each : ours) {
    const bool replaced = std::any_of(volumes.begin(), volumes.end(), [&](const json& volume) {
      return volume["destination"] == each["destination"];
    });
    if (!replaced) {
      mounts.push_back(each);
    }
  }
  mounts.insert(mounts.end(), volumes.begin(), volumes.end());
  return mounts;
}

Result<json> host_devices() {
  json devices = json::array();
  add_devices("/dev", 0, devices);
  return devices;
}

json masked_paths() {
  return {"/proc/acpi",        "/proc/asound",  "/proc/interrupts",
          "/proc/kcore",       "/proc/keys",    "/proc/latency_stats",
          "/proc/sched_debug", "/proc/scsi",    "/proc/timer_list",
          "/proc/timer_stats", "/sys/firmware", "/sys/devices/virtual/powercap"};
}

json readonly_paths() {
  return {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
}

}  // namespace duet::container
