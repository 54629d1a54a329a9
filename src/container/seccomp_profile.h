#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace duet::container {

// What a profile's conditions are held against.
struct SeccompContext {
  std::string architecture;  // uname machine: x86_64, aarch64, armv7l, ...
  int kernel_major = 0;
  int kernel_minor = 0;
  std::vector<std::string> capabilities;  // of the container, with CAP_
  // Whether the kernel has x86's x32 interface. Rules for one that is not there allow nothing, and
  // would cost the OCI runtime a sixth of the time that creating a container takes.
  bool x32 = false;
};

// The `linux.seccomp` of the OCI runtime spec, as JSON text, from a profile in the format of Docker
// and containers-common (archMap, includes, excludes), with all conditions resolved. A profile that
// is in the runtime spec's own format already is taken as it is. kCorrupt: it is neither.
Result<std::string> convert_seccomp_profile(const std::string& profile,
                                            const SeccompContext& context);

}  // namespace duet::container
