#include "gateway/confine.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <memory>

#include "base/sanitized.h"
#include "sys/file.h"

namespace duet::gateway {
namespace {

// What a worker calls once it runs: sockets, files that were sent, log files, memory of sandboxes,
// time, signals of the epoch ticker.
constexpr int kAllowed[] = {
    SCMP_SYS(accept4),
    SCMP_SYS(arch_prctl),
    SCMP_SYS(bind),
    SCMP_SYS(brk),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(close),
    SCMP_SYS(connect),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(eventfd2),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(fcntl),
    SCMP_SYS(fstat),
    SCMP_SYS(ftruncate),
    SCMP_SYS(futex),
    SCMP_SYS(getcwd),
    SCMP_SYS(getegid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getpeername),
    SCMP_SYS(getpid),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrlimit),
    SCMP_SYS(getsockname),
    SCMP_SYS(getsockopt),
    SCMP_SYS(gettid),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getuid),
    SCMP_SYS(ioctl),
    SCMP_SYS(lseek),
    SCMP_SYS(lstat),
    SCMP_SYS(madvise),
    SCMP_SYS(membarrier),
    SCMP_SYS(memfd_create),
    SCMP_SYS(mincore),
    SCMP_SYS(mmap),
    SCMP_SYS(mprotect),
    SCMP_SYS(mremap),
    SCMP_SYS(munmap),
    SCMP_SYS(nanosleep),
    SCMP_SYS(newfstatat),
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(openat2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(pread64),
    SCMP_SYS(prlimit64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(read),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(readv),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rseq),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(setsockopt),
    SCMP_SYS(shutdown),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(socket),
    SCMP_SYS(stat),
    SCMP_SYS(statx),
    SCMP_SYS(timer_create),
    SCMP_SYS(timer_delete),
    SCMP_SYS(timer_gettime),
    SCMP_SYS(timer_settime),
    SCMP_SYS(uname),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    // Threads of the engine, for what guests ask of files; processes are refused by the flags in
    // clone's rule below.
    SCMP_SYS(rt_sigpending),
    SCMP_SYS(prctl),
};

// Nobody calls these by mistake.
constexpr int kDeadly[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(ptrace),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(init_module),
    SCMP_SYS(bpf),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(keyctl),
    SCMP_SYS(kexec_load),
};

// The sanitizers' way to find out whether an address may be read; without it they take every object
// for a broken one.
constexpr int kAllowedToSanitizers[] = {SCMP_SYS(pipe), SCMP_SYS(pipe2)};

constexpr scmp_datum_t kCloneThread = 0x00010000;

Status become(const UserAndGroup& user) {
  const gid_t group = user.gid;
  if (setgroups(0, nullptr) != 0 || setresgid(group, group, group) != 0 ||
      setresuid(user.uid, user.uid, user.uid) != 0) {
    return Error::from_errno("becoming user " + std::to_string(user.uid), errno);
  }
  if (user.uid != 0 && (setuid(0) == 0 || seteuid(0) == 0)) {
    return internal("root could be had back after becoming user " + std::to_string(user.uid));
  }
  return {};
}

Status allow_listed_calls() {
  const std::unique_ptr<void, void (*)(void*)> filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)),
                                                      [](void* f) { seccomp_release(f); });
  if (!filter) {
    return internal("seccomp_init failed");
  }
  int failed = 0;
  for (const int call : kAllowed) {
    failed |= seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0);
  }
  if (kSanitized) {
    for (const int call : kAllowedToSanitizers) {
      failed |= seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0);
    }
  }
  for (const int call : kDeadly) {
    failed |= seccomp_rule_add(filter.get(), SCMP_ACT_KILL_PROCESS, call, 0);
  }
  failed |= seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, kCloneThread, kCloneThread));
  // For abort() and the like; Landlock guards other processes only where the kernel is new.
  failed |= seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                             SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(getpid())));
  // clone3's flags cannot be seen by a filter; libc falls back to clone.
  failed |= seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  if (failed != 0) {
    return internal("the list of allowed system calls could not be made");
  }
  if (const int error = seccomp_load(filter.get()); error != 0) {
    return Error::from_errno("loading the seccomp filter", -error);
  }
  return {};
}

}  // namespace

Result<UserAndGroup> parse_user(const std::string& text) {
  UserAndGroup user;
  const std::size_t colon = text.find(':');
  if (colon != std::string::npos) {
    const char* end = text.data() + text.size();
    const auto first = std::from_chars(text.data(), text.data() + colon, user.uid);
    const auto second = std::from_chars(text.data() + colon + 1, end, user.gid);
    if (first.ec == std::errc{} && first.ptr == text.data() + colon && second.ec == std::errc{} &&
        second.ptr == end) {
      return user;
    }
    return invalid("user '" + text + "' is not UID:GID");
  }
  const passwd* entry = getpwnam(text.c_str());
  if (entry == nullptr) {
    return not_found("there is no user '" + text + "'");
  }
  return UserAndGroup{entry->pw_uid, entry->pw_gid};
}

Status give_up_privileges(const std::optional<UserAndGroup>& user) {
  if (user) {
    DUET_TRY(become(*user));
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return Error::from_errno("no_new_privs", errno);
  }
  // Changing the user made /proc/self root's, through which workers are started.
  if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) {
    return Error::from_errno("PR_SET_DUMPABLE", errno);
  }
  return {};
}

Status confine_worker(std::vector<sys::ReachablePath> folders) {
  std::vector<sys::Fd> system;
  // The last is where /etc/resolv.conf leads on many systems.
  for (const char* path : {"/proc/self", "/etc", "/run/systemd/resolve"}) {
    if (auto fd = sys::open_file(path, O_PATH | O_DIRECTORY); fd.ok()) {
      folders.push_back({.fd = fd->get(), .writable = false, .directory = true});
      system.push_back(std::move(*fd));
    }
  }
  DUET_TRY(sys::confine_files_and_peers(folders));
  return allow_listed_calls();
}

}  // namespace duet::gateway
