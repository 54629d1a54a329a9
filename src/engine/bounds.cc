#include <sys/mman.h>

#include "engine/engine.h"

namespace duet::engine {
namespace {

// Of a guarded memory: what 32 bits can address, and some for what an access adds to that.
constexpr std::size_t kGuardedBytes = (std::size_t{4} << 30) + (std::size_t{32} << 20);
constexpr std::size_t kFewSandboxes = 16;

}  // namespace

Bounds suitable_bounds() {
  const std::size_t bytes = kGuardedBytes * kFewSandboxes;
  void* reserved =
      mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) {
    return Bounds::kChecked;
  }
  munmap(reserved, bytes);
  return Bounds::kGuarded;
}

}  // namespace duet::engine
