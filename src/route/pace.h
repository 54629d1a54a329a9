#pragma once

#include <cstdint>

#include "sys/clock.h"

namespace duet::route {

// Keeps work that every change asks for to a share of the time, so that a large and busy cluster
// costs a node no more than that: after each time there is a pause four times as long, a second at
// most. For one thread.
class Pace {
 public:
  // `clock` must outlive this.
  explicit Pace(const sys::Clock& clock) : clock_(clock) {}

  // How long the work must wait yet, in milliseconds, rounded up; 0: it may begin, and has begun.
  std::int64_t begin();
  // It is done.
  void end();

 private:
  const sys::Clock& clock_;
  sys::MonotonicTime begun_;
  sys::MonotonicTime not_before_;
};

}  // namespace duet::route
