#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "wasm/confinement.h"

namespace duet::wasm {

namespace {

// Memory, threads, time, and the end.
constexpr std::array kProcess = {SCMP_SYS(mmap),
                                 SCMP_SYS(munmap),
                                 SCMP_SYS(mprotect),
                                 SCMP_SYS(mremap),
                                 SCMP_SYS(madvise),
                                 SCMP_SYS(brk),
                                 SCMP_SYS(memfd_create),
                                 SCMP_SYS(futex),
                                 SCMP_SYS(set_robust_list),
                                 SCMP_SYS(rseq),
                                 SCMP_SYS(sched_yield),
                                 SCMP_SYS(sched_getaffinity),
                                 SCMP_SYS(getrandom),
                                 SCMP_SYS(rt_sigaction),
                                 SCMP_SYS(rt_sigprocmask),
                                 SCMP_SYS(rt_sigreturn),
                                 SCMP_SYS(sigaltstack),
                                 SCMP_SYS(gettid),
                                 SCMP_SYS(getpid),
                                 SCMP_SYS(getuid),
                                 SCMP_SYS(geteuid),
                                 SCMP_SYS(getgid),
                                 SCMP_SYS(getegid),
                                 SCMP_SYS(clock_gettime),
                                 SCMP_SYS(clock_getres),
                                 SCMP_SYS(clock_nanosleep),
                                 SCMP_SYS(nanosleep),
                                 SCMP_SYS(gettimeofday),
                                 SCMP_SYS(timer_create),
                                 SCMP_SYS(timer_settime),
                                 SCMP_SYS(timer_delete),
                                 SCMP_SYS(getrusage),
                                 SCMP_SYS(sysinfo),
                                 SCMP_SYS(uname),
                                 SCMP_SYS(exit),
                                 SCMP_SYS(exit_group),
                                 SCMP_SYS(restart_syscall),
                                 SCMP_SYS(membarrier)};

// Files, below the folders that Landlock and the engine leave.
constexpr std::array kFiles = {
    SCMP_SYS(read),       SCMP_SYS(readv),      SCMP_SYS(pread64),   SCMP_SYS(preadv),
    SCMP_SYS(preadv2),    SCMP_SYS(write),      SCMP_SYS(writev),    SCMP_SYS(pwrite64),
    SCMP_SYS(pwritev),    SCMP_SYS(pwritev2),   SCMP_SYS(lseek),     SCMP_SYS(close),
    SCMP_SYS(openat),     SCMP_SYS(openat2),    SCMP_SYS(open),      SCMP_SYS(fstat),
    SCMP_SYS(newfstatat), SCMP_SYS(statx),      SCMP_SYS(stat),      SCMP_SYS(lstat),
    SCMP_SYS(fstatfs),    SCMP_SYS(getdents64), SCMP_SYS(mkdirat),   SCMP_SYS(unlinkat),
    SCMP_SYS(renameat),   SCMP_SYS(renameat2),  SCMP_SYS(linkat),    SCMP_SYS(symlinkat),
    SCMP_SYS(readlinkat), SCMP_SYS(readlink),   SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
    SCMP_SYS(ftruncate),  SCMP_SYS(fallocate),  SCMP_SYS(fadvise64), SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),  SCMP_SYS(utimensat),  SCMP_SYS(fcntl),     SCMP_SYS(dup),
    SCMP_SYS(dup3),       SCMP_SYS(pipe2),      SCMP_SYS(getcwd)};

// Waiting.
constexpr std::array kWaiting = {
    SCMP_SYS(poll),         SCMP_SYS(ppoll),          SCMP_SYS(select),
    SCMP_SYS(pselect6),     SCMP_SYS(eventfd2),       SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),    SCMP_SYS(epoll_wait),     SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2), SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime)};

constexpr std::array kNetwork = {SCMP_SYS(connect),     SCMP_SYS(bind),        SCMP_SYS(listen),
                                 SCMP_SYS(accept4),     SCMP_SYS(sendto),      SCMP_SYS(recvfrom),
                                 SCMP_SYS(sendmsg),     SCMP_SYS(recvmsg),     SCMP_SYS(sendmmsg),
                                 SCMP_SYS(recvmmsg),    SCMP_SYS(getsockopt),  SCMP_SYS(setsockopt),
                                 SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(shutdown)};

// Collects the first failure of many rules.
class Filter {
 public:
  explicit Filter(uint32_t otherwise) : context_(seccomp_init(otherwise)) {}
  ~Filter() { seccomp_release(context_); }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  template <size_t kCount>
  void allow(const std::array<int, kCount>& calls) {
    for (const int call : calls) {
      note(seccomp_rule_add(context_, SCMP_ACT_ALLOW, call, 0));
    }
  }
  void allow_if(int call, scmp_arg_cmp condition) {
    note(seccomp_rule_add(context_, SCMP_ACT_ALLOW, call, 1, condition));
  }
  void refuse(int call, uint16_t errno_value) {
    note(seccomp_rule_add(context_, SCMP_ACT_ERRNO(errno_value), call, 0));
  }
  // A binary tree instead of a list: a guest that calls much pays less.
  void optimize() { note(seccomp_attr_set(context_, SCMP_FLTATR_CTL_OPTIMIZE, 2)); }
  Status load() {
    if (context_ == nullptr) {
      return internal("confine system calls: libseccomp gave no filter");
    }
    note(seccomp_load(context_));
    return failure_ == 0 ? Status() : Error::from_errno("confine system calls", -failure_);
  }

 private:
  void note(int result) { failure_ = failure_ == 0 ? result : failure_; }
  scmp_filter_ctx context_;
  int failure_ = 0;
};

}  // namespace

Status confine_system_calls(bool network) {
  Filter filter(SCMP_ACT_ERRNO(EPERM));
  filter.optimize();
  filter.allow(kProcess);
  filter.allow(kFiles);
  filter.allow(kWaiting);
  // Threads but no processes. A filter cannot see the flags of clone3: without it the C library
  // takes clone.
  const auto thread = static_cast<scmp_datum_t>(CLONE_THREAD);
  filter.allow_if(SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, thread, thread));
  filter.refuse(SCMP_SYS(clone3), ENOSYS);
  // abort(), on this process alone.
  filter.allow_if(SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid())));
  filter.allow_if(SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
  filter.allow_if(SCMP_SYS(prlimit64), SCMP_A2(SCMP_CMP_EQ, 0));  // reading a limit
  for (const scmp_datum_t request : {TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO}) {
    filter.allow_if(SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, request));
  }
  if (network) {
    filter.allow(kNetwork);
    for (const scmp_datum_t family : {AF_INET, AF_INET6}) {
      filter.allow_if(SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, family));
    }
  }
  return filter.load();
}

}  // namespace duet::wasm
