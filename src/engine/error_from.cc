#include "engine/error_from.h"

#include <string>

namespace duet::engine {
namespace {

ErrorCode code_of(std::int32_t code) {
  switch (code) {
    case DUET_E_INVALID:
      return ErrorCode::kInvalid;
    case DUET_E_CORRUPT:
      return ErrorCode::kCorrupt;
    case DUET_E_EXHAUSTED:
      return ErrorCode::kExhausted;
    case DUET_E_UNSUPPORTED:
      return ErrorCode::kUnsupported;
    default:
      return ErrorCode::kInternal;
  }
}

}  // namespace

Error take_error(duet_error& error) {
  Error taken(code_of(error.code), std::string(error.message, error.message_size));
  duet_error_clear(&error);
  return taken;
}

}  // namespace duet::engine
