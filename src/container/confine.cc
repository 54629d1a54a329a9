#include "container/confine.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/sanitized.h"

namespace duet::container {

namespace {

constexpr int kKeptCapabilities[] = {CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_FOWNER,
                                     CAP_FSETID, CAP_MKNOD,        CAP_SETFCAP};

constexpr const char* kAllowedCalls[] = {
    // memory and the process itself
    "brk", "munmap", "mremap", "madvise", "futex", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
    "sigaltstack", "getpid", "gettid", "tgkill", "clock_gettime", "gettimeofday", "getrandom",
    "sched_yield", "exit", "exit_group", "restart_syscall",
    // open files
    "read", "readv", "pread64", "write", "writev", "pwrite64", "lseek", "close", "fstat", "fcntl",
    "dup", "ftruncate", "getdents64", "fchdir",
    // the tree
    "openat", "newfstatat", "statx", "faccessat", "faccessat2", "mkdirat", "mknodat", "symlinkat",
    "linkat", "unlinkat", "readlinkat", "fchown", "fchownat", "fchmod", "fchmodat", "utimensat",
    "fsetxattr"};

struct FilterCloser {
  void operator()(void* each) const { ::seccomp_release(each); }
};
using Filter = std::unique_ptr<void, FilterCloser>;

Status enter_namespaces() {
  if (::unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) != 0) {
    return Error::from_errno("make namespaces", errno);
  }
  // Nothing that is mounted here may reach the host.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return Error::from_errno("make mounts private", errno);
  }
  return {};
}

Status become_root_of(const std::string& root) {
  const char* path = root.c_str();
  if (::mount(path, path, nullptr, MS_BIND, nullptr) != 0) {
    return Error::from_errno("bind " + root, errno);
  }
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  if (::mount_setattr(AT_FDCWD, path, 0, &attributes, sizeof(attributes)) != 0) {
    return Error::from_errno("restrict the mount of " + root, errno);
  }
  // The old root is stacked on the new one, then taken off: no folder for it is needed.
  if (::chdir(path) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0 ||
      ::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0) {
    return Error::from_errno("make " + root + " the root", errno);
  }
  return {};
}

Status limit(int resource, int64_t value, const char* name) {
  const rlimit bound{static_cast<rlim_t>(value), static_cast<rlim_t>(value)};
  if (::setrlimit(static_cast<__rlimit_resource>(resource), &bound) != 0) {
    return Error::from_errno(std::string("limit ") + name, errno);
  }
  return {};
}

Status set_limits(const ConfineLimits& limits) {
  if (!kSanitized) {
    DUET_TRY(limit(RLIMIT_AS, limits.memory_bytes, "memory"));
  }
  DUET_TRY(limit(RLIMIT_FSIZE, limits.file_bytes, "the size of files"));
  DUET_TRY(limit(RLIMIT_CPU, limits.cpu_seconds, "processor time"));
  DUET_TRY(limit(RLIMIT_CORE, 0, "core dumps"));
  return limit(RLIMIT_NOFILE, 64, "open files");
}

Status drop_capabilities() {
  uint64_t kept = 0;
  for (const int capability : kKeptCapabilities) {
    kept |= uint64_t{1} << static_cast<unsigned>(capability);
  }
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if ((kept >> static_cast<unsigned>(capability) & 1U) == 0 &&
        ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
      return Error::from_errno("drop a capability", errno);
    }
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  for (unsigned word = 0; word < 2; ++word) {
    data[word].effective = data[word].permitted = static_cast<uint32_t>(kept >> (32U * word));
  }
  if (::syscall(SYS_capset, &header, data) != 0) {
    return Error::from_errno("drop capabilities", errno);
  }
  return {};
}

Status allow(const Filter& filter, int call) {
  const int got = ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0);
  return got == 0 ? Status() : Error::from_errno("build the system call filter", -got);
}

// Memory that is mapped executable could hold code of the foreign tree (a library that libc loads
// by name): only other memory may be mapped.
Status allow_data_only(const Filter& filter, int call) {
  const int got =
      ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 1,
                         SCMP_A2(SCMP_CMP_MASKED_EQ, static_cast<scmp_datum_t>(PROT_EXEC), 0));
  return got == 0 ? Status() : Error::from_errno("build the system call filter", -got);
}

Status filter_calls() {
  const Filter filter(::seccomp_init(SCMP_ACT_KILL_PROCESS));
  if (!filter) {
    return internal("cannot make a system call filter");
  }
  for (const char* name : kAllowedCalls) {
    const int call = ::seccomp_syscall_resolve_name(name);
    if (call != __NR_SCMP_ERROR) {
      DUET_TRY(allow(filter, call));
    }
  }
  DUET_TRY(allow_data_only(filter, SCMP_SYS(mmap)));
  DUET_TRY(allow_data_only(filter, SCMP_SYS(mprotect)));
  const int got = ::seccomp_load(filter.get());  // sets no_new_privs first
  return got == 0 ? Status() : Error::from_errno("load the system call filter", -got);
}

}  // namespace

Status confine_to(const std::string& root, const ConfineLimits& limits) {
  DUET_TRY(enter_namespaces());
  DUET_TRY(become_root_of(root));
  DUET_TRY(set_limits(limits));
  DUET_TRY(drop_capabilities());
  return filter_calls();
}

}  // namespace duet::container
