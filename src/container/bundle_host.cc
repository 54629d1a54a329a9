#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <string_view>

#include "container/bundle.h"
#include "sys/file.h"
#include "sys/process.h"

namespace duet::container {

namespace {

constexpr size_t kProfileLimitBytes = 4 << 20;
constexpr size_t kProcLimitBytes = 64 << 10;
constexpr unsigned kCapSysResource = 24;  // CAP_SYS_RESOURCE

// The value of a line "<key>:\t<hex>" of /proc/self/status.
uint64_t hex_of_status(const std::string& status, std::string_view key) {
  const size_t at = status.find(std::string("\n") + std::string(key) + ":\t");
  if (at == std::string::npos) {
    return 0;
  }
  const char* begin = status.data() + at + key.size() + 3;
  uint64_t value = 0;
  std::from_chars(begin, status.data() + status.size(), value, 16);
  return value;
}

// Asked by a process of its own: a system call filter around the agent may kill whoever asks.
bool kernel_has_x32() {
#ifdef __x86_64__
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr long kX32Bit = 0x40000000;  // __X32_SYSCALL_BIT
    ::_exit(::syscall(kX32Bit | SYS_getpid) > 0 ? 0 : 1);
  }
  const auto ended = sys::wait(child);
  return child > 0 && ended.ok() && ended->ok();
#else
  return false;
#endif
}

}  // namespace

Result<BundleHost> probe_host(const std::string& seccomp_profile) {
  BundleHost host;
  auto profile = sys::read_file(seccomp_profile, kProfileLimitBytes);
  if (profile.ok()) {
    host.seccomp_profile = std::move(*profile);
  } else if (profile.error().code() != ErrorCode::kNotFound) {
    return profile.error().wrap("default seccomp profile");
  }
  DUET_ASSIGN(const std::string status, sys::read_file("/proc/self/status", kProcLimitBytes));
  host.capabilities = hex_of_status(status, "CapBnd") & hex_of_status(status, "CapPrm");
  host.can_raise_limits = (host.capabilities >> kCapSysResource & 1U) != 0;
  DUET_ASSIGN(const std::string score, sys::read_file("/proc/self/oom_score_adj", kProcLimitBytes));
  std::from_chars(score.data(), score.data() + score.size(), host.own_oom_score_adj);
  utsname system{};
  if (::uname(&system) != 0) {
    return Error::from_errno("uname", errno);
  }
  host.architecture = system.machine;
  std::sscanf(system.release, "%d.%d", &host.kernel_major, &host.kernel_minor);
  host.x32 = kernel_has_x32();
  return host;
}

}  // namespace duet::container
