#include "sys/namespace.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <thread>

#include "sys/file.h"

namespace duet::sys {

namespace {

// Namespaces belong to threads: runs `work` on a new one, which ends with its namespace.
Status on_own_thread(const std::function<Status()>& work) {
  std::optional<Status> status;
  std::thread thread([&] { status = work(); });
  thread.join();
  return *status;
}

Status bring_loopback_up() {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) {
    return Error::from_errno("socket", errno);
  }
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", sizeof(request.ifr_name) - 1);
  if (::ioctl(fd.get(), SIOCGIFFLAGS, &request) != 0) {
    return Error::from_errno("read the loopback's flags", errno);
  }
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  if (::ioctl(fd.get(), SIOCSIFFLAGS, &request) != 0) {
    return Error::from_errno("bring the loopback up", errno);
  }
  return {};
}

Status make_and_pin(const std::string& path) {
  if (::unshare(CLONE_NEWNET) != 0) {
    return Error::from_errno("make a network namespace", errno);
  }
  DUET_TRY(bring_loopback_up());
  if (::mount("/proc/thread-self/ns/net", path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return Error::from_errno("pin the network namespace at " + path, errno);
  }
  return {};
}

}  // namespace

Status create_network_namespace(const std::string& path) {
  if (network_namespace_exists(path)) {
    return Error(ErrorCode::kAlreadyExists, path + ": a network namespace is pinned there already");
  }
  {
    DUET_ASSIGN(const Fd file, open_file(path, O_RDONLY | O_CREAT | O_NOFOLLOW, 0444));
  }
  auto status = on_own_thread([&] { return make_and_pin(path); });
  if (!status.ok()) {
    ::unlink(path.c_str());
  }
  return status;
}

Status remove_network_namespace(const std::string& path) {
  DUET_TRY(unmount(path));
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return Error::from_errno("remove " + path, errno);
  }
  return {};
}

bool network_namespace_exists(const std::string& path) {
  struct statfs info{};
  return ::statfs(path.c_str(), &info) == 0 && info.f_type == NSFS_MAGIC;
}

Result<uint64_t> network_namespace_id(const std::string& path) {
  struct stat info{};
  if (!network_namespace_exists(path) || ::stat(path.c_str(), &info) != 0) {
    return not_found(path + ": no network namespace is pinned there");
  }
  return info.st_ino;
}

Status in_network_namespace(const std::string& path, const std::function<Status()>& work) {
  DUET_ASSIGN(const Fd ns, open_file(path, O_RDONLY));
  return on_own_thread([&]() -> Status {
    if (::setns(ns.get(), CLONE_NEWNET) != 0) {
      return Error::from_errno("enter the network namespace " + path, errno);
    }
    return work();
  });
}

Status bind_mount(const std::string& source, const std::string& target, MountAccess access) {
  if (::mount(source.c_str(), target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) {
    return Error::from_errno("bind " + source + " to " + target, errno);
  }
  if (access == MountAccess::kReadWrite) {
    return {};
  }
  // A bind takes no other flags at first: read-only is a second step.
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  if (::mount_setattr(AT_FDCWD, target.c_str(), AT_RECURSIVE, &attributes, sizeof(attributes)) !=
      0) {
    const auto error = Error::from_errno("make " + target + " read-only", errno);
    ::umount2(target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
    return error;
  }
  return {};
}

Status mount_tmpfs(const std::string& target, uint64_t size_bytes, unsigned mode) {
  std::string mode_text;
  for (unsigned rest = mode & 07777U; rest != 0; rest >>= 3U) {
    mode_text.insert(mode_text.begin(), static_cast<char>('0' + (rest & 7U)));
  }
  std::string options = "mode=0" + mode_text;
  if (size_bytes != 0) {
    options += ",size=" + std::to_string(size_bytes);
  }
  if (::mount("tmpfs", target.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0) {
    return Error::from_errno("mount a tmpfs at " + target, errno);
  }
  return {};
}

Status unmount(const std::string& target) {
  while (::umount2(target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) {
  }
  // EINVAL: nothing (more) is mounted there.
  if (errno != EINVAL && errno != ENOENT) {
    return Error::from_errno("unmount " + target, errno);
  }
  return {};
}

Result<bool> is_mount_point(const std::string& path) {
  struct statx info{};
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &info) != 0) {
    return Error::from_errno("stat " + path, errno);
  }
  return (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

}  // namespace duet::sys
