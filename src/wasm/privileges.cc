#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "wasm/confinement.h"

namespace duet::wasm {

namespace {

constexpr rlim_t kDescriptorLimit = 1024;

// Needs CAP_SETPCAP, so it comes before the user changes.
void empty_bounding_set() {
  for (unsigned long capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0;
       ++capability) {
    ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
}

Status drop_capabilities() {
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> none{};
  if (::syscall(SYS_capset, &header, none.data()) != 0) {
    return Error::from_errno("drop capabilities", errno);
  }
  return {};
}

Status become(uid_t uid, gid_t gid) {
  if (::geteuid() != 0) {
    if (uid != ::geteuid() || gid != ::getegid()) {
      return Error(ErrorCode::kPermission, "only root can run a program as user " +
                                               std::to_string(uid) + ":" + std::to_string(gid) +
                                               "; this is user " + std::to_string(::geteuid()));
    }
    return {};
  }
  if (::setgroups(0, nullptr) != 0 || ::setresgid(gid, gid, gid) != 0 ||
      ::setresuid(uid, uid, uid) != 0) {
    return Error::from_errno("become user " + std::to_string(uid), errno);
  }
  return {};
}

// Lowers a limit; one that is lower already stays.
Status bound(__rlimit_resource resource, rlim_t most) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) {
    return Error::from_errno("read a resource limit", errno);
  }
  limit.rlim_max = std::min(limit.rlim_max, most);
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(resource, &limit) != 0) {
    return Error::from_errno("set a resource limit", errno);
  }
  return {};
}

}  // namespace

Status drop_privileges(uid_t uid, gid_t gid) {
  DUET_TRY(bound(RLIMIT_CORE, 0));
  DUET_TRY(bound(RLIMIT_NOFILE, kDescriptorLimit));
  if (::geteuid() == 0) {
    empty_bounding_set();
  }
  DUET_TRY(become(uid, gid));
  DUET_TRY(drop_capabilities());
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return Error::from_errno("set no_new_privs", errno);
  }
  return {};
}

}  // namespace duet::wasm
