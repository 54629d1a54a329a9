#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

// Linux capabilities by name (capabilities(7)).
namespace duet::container {

// Names as the OCI runtime spec wants them ("CAP_CHOWN"), in the kernel's order.
using Capabilities = std::vector<std::string>;

// What a container gets when nothing is said, as with other container runtimes.
Capabilities default_capabilities();

// Every capability whose bit is set in `mask`, as far as duet knows its name.
Capabilities capabilities_of_mask(uint64_t mask);

// The defaults with `add` and `drop` (names with or without CAP_, in any case, or ALL) as
// Kubernetes means them: ALL first, then single names, drop last. Nothing beyond `available`, a
// mask: defaults and ALL are cut to it, a name added explicitly is kUnsupported. kInvalid: an
// unknown name.
Result<Capabilities> apply_capabilities(const std::vector<std::string>& add,
                                        const std::vector<std::string>& drop, uint64_t available);

}  // namespace duet::container
