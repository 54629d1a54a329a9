#include "engine/compiler/confine.h"

#include <grp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string>

namespace duet::engine {
namespace {

// Memory, threads, the standard streams, the end; nothing that names a file, a process or an
// address. What is missing gives EPERM, with which the runtimes of C++ and Rust get along: they
// only probe.
constexpr std::array kAllowed = {SCMP_SYS(read),           SCMP_SYS(readv),
                                 SCMP_SYS(write),          SCMP_SYS(writev),
                                 SCMP_SYS(close),          SCMP_SYS(fstat),
                                 SCMP_SYS(lseek),          SCMP_SYS(poll),
                                 SCMP_SYS(mmap),           SCMP_SYS(munmap),
                                 SCMP_SYS(mprotect),       SCMP_SYS(mremap),
                                 SCMP_SYS(madvise),        SCMP_SYS(brk),
                                 SCMP_SYS(futex),          SCMP_SYS(set_robust_list),
                                 SCMP_SYS(rseq),           SCMP_SYS(sched_yield),
                                 SCMP_SYS(getrandom),      SCMP_SYS(sched_getaffinity),
                                 SCMP_SYS(rt_sigaction),   SCMP_SYS(rt_sigprocmask),
                                 SCMP_SYS(rt_sigreturn),   SCMP_SYS(sigaltstack),
                                 SCMP_SYS(gettid),         SCMP_SYS(getpid),
                                 SCMP_SYS(clock_gettime),  SCMP_SYS(clock_nanosleep),
                                 SCMP_SYS(exit),           SCMP_SYS(exit_group),
                                 SCMP_SYS(restart_syscall)};

Status fail(std::string_view what) {
  return Error::from_errno("confining the compiler: " + std::string(what), errno);
}

Status take_user(const UserId& user) {
  if (setgroups(0, nullptr) != 0) {
    return fail("setgroups");
  }
  if (setresgid(user.gid, user.gid, user.gid) != 0) {
    return fail("setresgid");
  }
  if (setresuid(user.uid, user.uid, user.uid) != 0) {
    return fail("setresuid");
  }
  return {};
}

Status limit(int resource, rlim_t soft, rlim_t hard, std::string_view what) {
  const rlimit bounds{soft, hard};
  if (setrlimit(static_cast<__rlimit_resource>(resource), &bounds) != 0) {
    return fail(what);
  }
  return {};
}

Status add_rules(scmp_filter_ctx filter) {
  for (const int call : kAllowed) {
    if (const int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0); rc != 0) {
      return Error::from_errno("confining the compiler: seccomp_rule_add", -rc);
    }
  }
  // Threads but no processes. The flags of clone3 cannot be seen by a filter: without it, the C
  // library takes clone.
  const auto thread = static_cast<scmp_datum_t>(CLONE_THREAD);
  int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                            SCMP_A0(SCMP_CMP_MASKED_EQ, thread, thread));
  if (rc == 0) {
    rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  }
  if (rc == 0) {
    rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                          SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0));
  }
  if (rc == 0) {  // abort() of the runtimes, on this process alone
    rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                          SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(getpid()), 0));
  }
  if (rc != 0) {
    return Error::from_errno("confining the compiler: seccomp_rule_add", -rc);
  }
  return {};
}

Status install_filter() {
  const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
  if (filter == nullptr) {
    return internal("confining the compiler: seccomp_init failed");
  }
  Status status = add_rules(filter);
  if (status.ok()) {
    if (const int rc = seccomp_load(filter); rc != 0) {
      status = Error::from_errno("confining the compiler: seccomp_load", -rc);
    }
  }
  seccomp_release(filter);
  return status;
}

bool parse_number(std::string_view text, std::uint32_t& out) {
  const auto [end, error] = std::from_chars(text.begin(), text.end(), out);
  return error == std::errc() && end == text.end();
}

}  // namespace

Result<UserId> parse_user(std::string_view text) {
  const std::size_t colon = text.find(':');
  UserId user{};
  if (colon == std::string_view::npos || !parse_number(text.substr(0, colon), user.uid) ||
      !parse_number(text.substr(colon + 1), user.gid)) {
    return invalid("\"" + std::string(text) + "\" is not a user: write UID:GID in numbers");
  }
  return user;
}

Status confine(const Confinement& confinement) {
  if (geteuid() == 0) {
    // May fail in a container of little privilege; the filter below leaves no socket call anyway.
    static_cast<void>(unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS));
    if (confinement.user) {
      DUET_TRY(take_user(*confinement.user));
    }
  }
  if (kAddressSpaceIsBounded) {
    DUET_TRY(limit(RLIMIT_AS, confinement.memory_bytes, confinement.memory_bytes, "RLIMIT_AS"));
  }
  DUET_TRY(limit(RLIMIT_CPU, confinement.cpu_seconds, confinement.cpu_seconds + 1, "RLIMIT_CPU"));
  DUET_TRY(limit(RLIMIT_CORE, 0, 0, "RLIMIT_CORE"));
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return fail("no_new_privs");
  }
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    return fail("PR_SET_DUMPABLE");
  }
  return install_filter();
}

}  // namespace duet::engine
