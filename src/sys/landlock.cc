#include "sys/landlock.h"

#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "sys/fd.h"

namespace duet::sys {

namespace {

// Rights by version of Landlock, by number because the build machine's headers may be older than
// its kernel: REFER is bit 13 (version 2), TRUNCATE bit 14 (version 3).
constexpr uint64_t kRightsOfVersion1 = (uint64_t{1} << 13) - 1;
constexpr uint64_t kRefer = uint64_t{1} << 13;
constexpr uint64_t kTruncate = uint64_t{1} << 14;
constexpr uint64_t kReading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr uint64_t kOfFiles =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE;
constexpr uint64_t kBindTcp = 1;             // LANDLOCK_ACCESS_NET_BIND_TCP, version 4
constexpr uint64_t kAbstractAndSignals = 3;  // LANDLOCK_SCOPE_*, version 6

// landlock_ruleset_attr as the newest version has it; an older kernel takes it while what it does
// not know is zero.
struct Handled {
  uint64_t files;
  uint64_t network;
  uint64_t scoped;
};

uint64_t handled_rights(long version) {
  return kRightsOfVersion1 | (version >= 2 ? kRefer : 0) | (version >= 3 ? kTruncate : 0);
}

Status add_rule(int rules, const ReachablePath& path, uint64_t handled) {
  uint64_t rights = path.writable ? handled & ~uint64_t{LANDLOCK_ACCESS_FS_EXECUTE} : kReading;
  if (!path.directory) {
    rights &= kOfFiles | (handled & kTruncate);
  }
  const landlock_path_beneath_attr rule{.allowed_access = rights, .parent_fd = path.fd};
  if (::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) {
    return Error::from_errno("confine files", errno);
  }
  return {};
}

Status confine(const std::vector<ReachablePath>& paths, bool peers) {
  const long version =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) {
    return {};
  }
  const Handled handled{.files = handled_rights(version),
                        .network = peers && version >= 4 ? kBindTcp : 0,
                        .scoped = peers && version >= 6 ? kAbstractAndSignals : 0};
  const Fd rules(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0)));
  if (!rules.valid()) {
    return Error::from_errno("confine files", errno);
  }
  for (const ReachablePath& path : paths) {
    DUET_TRY(add_rule(rules.get(), path, handled.files));
  }
  if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0) {
    return Error::from_errno("confine files", errno);
  }
  return {};
}

}  // namespace

Status confine_files(const std::vector<ReachablePath>& paths) { return confine(paths, false); }

Status confine_files_and_peers(const std::vector<ReachablePath>& paths) {
  return confine(paths, true);
}

}  // namespace duet::sys
