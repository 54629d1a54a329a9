#include "sys/monotonic_ms.h"

#include <chrono>

namespace duet::sys {

int64_t monotonic_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace duet::sys
