#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace duet::engine {

// Sanitizers map terabytes of address space of their own, so their builds cannot bound it.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kAddressSpaceIsBounded = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kAddressSpaceIsBounded = false;
#else
inline constexpr bool kAddressSpaceIsBounded = true;
#endif
#else
inline constexpr bool kAddressSpaceIsBounded = true;
#endif

struct UserId {
  uid_t uid;
  gid_t gid;
};

// "UID:GID" in decimal.
Result<UserId> parse_user(std::string_view text);

struct Confinement {
  std::optional<UserId> user;  // taken on if the process is root
  std::uint64_t memory_bytes;  // of address space
  std::uint64_t cpu_seconds;   // then SIGXCPU, a second later SIGKILL
};

// Gives up, for good, all that compiling does not need: root, the network (its own empty namespace
// if the process may make one), new privileges, files, and every system call but those for memory,
// threads, and the descriptors that are open. To be called before a byte of foreign input is read,
// with one thread running.
Status confine(const Confinement& confinement);

}  // namespace duet::engine
