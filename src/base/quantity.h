#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

// Kubernetes resource quantities (apimachinery's resource.Quantity): an optional sign, decimal
// digits with at most one point, and a suffix: n u m k M G T P E (powers of ten), Ki Mi Gi Ti Pi Ei
// (powers of 1024) or a decimal exponent (e3, E-2). What is finer than the unit asked for is
// rounded up, as Kubernetes does. Errors are kInvalid, or kExhausted for what does not fit 64 bits.
// Pure and thread-safe.
namespace duet {

// "100m" → 100, "0.5" → 500, "2" → 2000: thousandths, for cpu.
Result<int64_t> parse_quantity_millis(std::string_view text);

// "64Mi" → 67108864, "1e3" → 1000: whole units, for memory in bytes.
Result<int64_t> parse_quantity(std::string_view text);

}  // namespace duet
