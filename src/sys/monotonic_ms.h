#pragma once

#include <cstdint>

namespace duet::sys {

// Milliseconds of CLOCK_MONOTONIC, for deadlines of waits in the kernel (poll(2) and its like),
// which no Clock can move. Thread-safe.
int64_t monotonic_ms();

}  // namespace duet::sys
