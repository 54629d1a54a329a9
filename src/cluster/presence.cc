#include "cluster/presence.h"

#include <chrono>
#include <utility>

namespace duet::cluster {

bool Presence::note(bool answered) {
  const sys::MonotonicTime now = clock_.monotonic();
  if (answered) {
    answered_ = now;
    return std::exchange(away_, false);
  }
  const bool silent = now - answered_ >= std::chrono::milliseconds(away_ms_);
  return silent && !std::exchange(away_, true);
}

}  // namespace duet::cluster
