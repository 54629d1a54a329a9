#include "oci/confine.h"

#include <grp.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <span>

#include "base/sanitized.h"
#include "sys/fd.h"

namespace duet::oci {

namespace {

constexpr int64_t kMemoryLimitBytes = int64_t{1} << 30;

Status limit(int resource, int64_t most) {
  const rlimit both{static_cast<rlim_t>(most), static_cast<rlim_t>(most)};
  return ::setrlimit(static_cast<__rlimit_resource>(resource), &both) == 0
             ? Status()
             : Error::from_errno("set a resource limit", errno);
}

struct FilterCloser {
  void operator()(void* filter) const { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, FilterCloser>;

Status deny(const Filter& filter, int error, std::span<const int> calls) {
  for (const int call : calls) {
    const int failed = ::seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(error), call, 0);
    if (failed != 0) {
      return Error::from_errno("seccomp rule", -failed);
    }
  }
  return {};
}

Status load(const Filter& filter) {
  const int failed = ::seccomp_load(filter.get());
  return failed == 0 ? Status() : Error::from_errno("load the seccomp filter", -failed);
}

}  // namespace

Status drop_privileges(uid_t uid, gid_t gid, int64_t file_limit_bytes) {
  if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setresgid(gid, gid, gid) != 0 ||
                           ::setresuid(uid, uid, uid) != 0)) {
    return Error::from_errno("become user " + std::to_string(uid), errno);
  }
  if (uid != 0 && ::geteuid() == 0) {
    return internal("still root after giving it up");
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) {
    return Error::from_errno("prctl", errno);
  }
  DUET_TRY(limit(RLIMIT_CORE, 0));
  DUET_TRY(limit(RLIMIT_FSIZE, file_limit_bytes));
  return kSanitized ? Status() : limit(RLIMIT_DATA, kMemoryLimitBytes);
}

Status confine_writes(int folder) {
  constexpr uint64_t kWriting = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                                LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = kWriting | LANDLOCK_ACCESS_FS_EXECUTE;
  const sys::Fd rules(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  if (!rules.valid()) {
    return errno == ENOSYS || errno == EOPNOTSUPP ? Status()
                                                  : Error::from_errno("landlock ruleset", errno);
  }
  if (folder >= 0) {
    landlock_path_beneath_attr beneath{};
    beneath.allowed_access = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                             LANDLOCK_ACCESS_FS_MAKE_REG;
    beneath.parent_fd = folder;
    if (::syscall(SYS_landlock_add_rule, rules.get(), LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) !=
        0) {
      return Error::from_errno("landlock rule", errno);
    }
  }
  if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0) {
    return Error::from_errno("landlock", errno);
  }
  return {};
}

Status forbid_processes() {
  const Filter filter(::seccomp_init(SCMP_ACT_ALLOW));
  if (!filter) {
    return internal("seccomp filter");
  }
  constexpr std::array kDenied = {
      SCMP_SYS(execve),
      SCMP_SYS(execveat),
      SCMP_SYS(fork),
      SCMP_SYS(vfork),
      SCMP_SYS(ptrace),
      SCMP_SYS(process_vm_readv),
      SCMP_SYS(process_vm_writev),
      SCMP_SYS(mount),
      SCMP_SYS(umount2),
      SCMP_SYS(pivot_root),
      SCMP_SYS(chroot),
      SCMP_SYS(unshare),
      SCMP_SYS(setns),
      SCMP_SYS(bpf),
      SCMP_SYS(perf_event_open),
      SCMP_SYS(userfaultfd),
      SCMP_SYS(keyctl),
      SCMP_SYS(add_key),
      SCMP_SYS(request_key),
      SCMP_SYS(io_uring_setup),
      SCMP_SYS(io_uring_enter),
      SCMP_SYS(io_uring_register),
      SCMP_SYS(kexec_load),
      SCMP_SYS(init_module),
      SCMP_SYS(finit_module),
      SCMP_SYS(delete_module),
      SCMP_SYS(reboot),
      SCMP_SYS(swapon),
      SCMP_SYS(swapoff),
      SCMP_SYS(open_by_handle_at),
      SCMP_SYS(fsopen),
      SCMP_SYS(fsmount),
      SCMP_SYS(open_tree),
      SCMP_SYS(move_mount),
      SCMP_SYS(pidfd_getfd),
  };
  DUET_TRY(deny(filter, EPERM, kDenied));
  // clone3's flags are behind a pointer: the C library falls back to clone, whose flags show.
  constexpr std::array kUnknown = {SCMP_SYS(clone3)};
  DUET_TRY(deny(filter, ENOSYS, kUnknown));
  const int failed = ::seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                                        SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
  return failed != 0 ? Error::from_errno("seccomp rule", -failed) : load(filter);
}

Status forbid_network() {
  const Filter filter(::seccomp_init(SCMP_ACT_ALLOW));
  if (!filter) {
    return internal("seccomp filter");
  }
  constexpr std::array kDenied = {SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(connect),
                                  SCMP_SYS(bind), SCMP_SYS(listen)};
  DUET_TRY(deny(filter, EPERM, kDenied));
  return load(filter);
}

}  // namespace duet::oci
