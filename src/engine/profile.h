#pragma once

#include <cstdint>

#include "engine/duet_engine.h"
#include "engine/engine.h"

namespace duet::engine {

// How code of that kind is compiled: DUET_PROFILE_*.
constexpr std::uint32_t profile_number(Kind kind, Bounds bounds) {
  if (!is_handler(kind)) {
    return DUET_PROFILE_PROGRAM;
  }
  if (kind == Kind::kAsyncHandler) {
    return bounds == Bounds::kChecked ? DUET_PROFILE_CHECKED_ASYNC_HANDLER
                                      : DUET_PROFILE_ASYNC_HANDLER;
  }
  return bounds == Bounds::kChecked ? DUET_PROFILE_CHECKED_HANDLER : DUET_PROFILE_HANDLER;
}

}  // namespace duet::engine
