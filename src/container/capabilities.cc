#include "container/capabilities.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string_view>

namespace duet::container {

namespace {

// The index is the capability's number (linux/capability.h).
constexpr std::array<std::string_view, 41> kNames = {"CHOWN",
                                                     "DAC_OVERRIDE",
                                                     "DAC_READ_SEARCH",
                                                     "FOWNER",
                                                     "FSETID",
                                                     "KILL",
                                                     "SETGID",
                                                     "SETUID",
                                                     "SETPCAP",
                                                     "LINUX_IMMUTABLE",
                                                     "NET_BIND_SERVICE",
                                                     "NET_BROADCAST",
                                                     "NET_ADMIN",
                                                     "NET_RAW",
                                                     "IPC_LOCK",
                                                     "IPC_OWNER",
                                                     "SYS_MODULE",
                                                     "SYS_RAWIO",
                                                     "SYS_CHROOT",
                                                     "SYS_PTRACE",
                                                     "SYS_PACCT",
                                                     "SYS_ADMIN",
                                                     "SYS_BOOT",
                                                     "SYS_NICE",
                                                     "SYS_RESOURCE",
                                                     "SYS_TIME",
                                                     "SYS_TTY_CONFIG",
                                                     "MKNOD",
                                                     "LEASE",
                                                     "AUDIT_WRITE",
                                                     "AUDIT_CONTROL",
                                                     "SETFCAP",
                                                     "MAC_OVERRIDE",
                                                     "MAC_ADMIN",
                                                     "SYSLOG",
                                                     "WAKE_ALARM",
                                                     "BLOCK_SUSPEND",
                                                     "AUDIT_READ",
                                                     "PERFMON",
                                                     "BPF",
                                                     "CHECKPOINT_RESTORE"};

constexpr std::string_view kDefaults[] = {
    "CHOWN",   "DAC_OVERRIDE",     "FOWNER",  "FSETID",     "KILL",  "SETGID",      "SETUID",
    "SETPCAP", "NET_BIND_SERVICE", "NET_RAW", "SYS_CHROOT", "MKNOD", "AUDIT_WRITE", "SETFCAP"};

constexpr uint64_t bit(size_t number) { return uint64_t{1} << number; }

std::string bare_name(const std::string& name) {
  std::string bare;
  for (const char each : name) {
    bare += static_cast<char>(std::toupper(static_cast<unsigned char>(each)));
  }
  return bare.starts_with("CAP_") ? bare.substr(4) : bare;
}

// The bit of `bare`; none: no such capability.
std::optional<uint64_t> bit_of(std::string_view bare) {
  const auto found = std::find(kNames.begin(), kNames.end(), bare);
  if (found == kNames.end()) {
    return std::nullopt;
  }
  return bit(static_cast<size_t>(found - kNames.begin()));
}

uint64_t default_mask() {
  uint64_t mask = 0;
  for (const auto name : kDefaults) {
    mask |= *bit_of(name);
  }
  return mask;
}

// A pod's list, read.
struct Wish {
  bool all = false;
  uint64_t mask = 0;
};

Result<Wish> read_wish(const std::vector<std::string>& names) {
  Wish wish;
  for (const auto& name : names) {
    const std::string bare = bare_name(name);
    if (bare == "ALL") {
      wish.all = true;
      continue;
    }
    const auto found = bit_of(bare);
    if (!found) {
      return invalid("capability \"" + name + "\" does not exist");
    }
    wish.mask |= *found;
  }
  return wish;
}

}  // namespace

Capabilities capabilities_of_mask(uint64_t mask) {
  Capabilities names;
  for (size_t number = 0; number < kNames.size(); ++number) {
    if ((mask & bit(number)) != 0) {
      names.push_back("CAP_" + std::string(kNames[number]));
    }
  }
  return names;
}

Capabilities default_capabilities() { return capabilities_of_mask(default_mask()); }

Result<Capabilities> apply_capabilities(const std::vector<std::string>& add,
                                        const std::vector<std::string>& drop, uint64_t available) {
  DUET_ASSIGN(const Wish added, read_wish(add));
  DUET_ASSIGN(const Wish dropped, read_wish(drop));
  const uint64_t missing = added.mask & ~available & ~dropped.mask;
  if (missing != 0) {
    return Error(ErrorCode::kUnsupported, "capability " + capabilities_of_mask(missing).front() +
                                              " cannot be added: duet itself does not have it");
  }
  uint64_t mask = added.all ? available : default_mask() & available;
  if (dropped.all) {
    mask = 0;
  }
  return capabilities_of_mask((mask | added.mask) & ~dropped.mask);
}

}  // namespace duet::container
