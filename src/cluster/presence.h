#pragma once

#include <cstdint>

#include "sys/clock.h"

namespace duet::cluster {

// Whether the API server is there: not until it answered once, and not any more when it has been
// silent for a while. For one thread.
class Presence {
 public:
  // `clock` must outlive this.
  Presence(const sys::Clock& clock, std::int64_t away_ms) : clock_(clock), away_ms_(away_ms) {}

  // An attempt that was answered, or was not. True: is_away() says something else now.
  bool note(bool answered);
  bool is_away() const { return away_; }

 private:
  const sys::Clock& clock_;
  std::int64_t away_ms_;
  bool away_ = true;
  sys::MonotonicTime answered_;  // the last time
};

}  // namespace duet::cluster
