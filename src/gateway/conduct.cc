#include "gateway/conduct.h"

namespace duet::gateway {

void Conduct::note(std::uint64_t cpu_ns, bool well) {
  last_was_long_ = cpu_ns >= kLongNs;
  used_ns_ += cpu_ns;
  spoiled_ns_ += well ? 0 : cpu_ns;
  while (used_ns_ >= kMemoryNs) {
    used_ns_ /= 2;
    spoiled_ns_ /= 2;
  }
}

}  // namespace duet::gateway
