#pragma once

#include "base/result.h"
#include "engine/duet_engine.h"

namespace duet::engine {

// The Error of a call of the crate that returned other than DUET_OK; frees the crate's text.
Error take_error(duet_error& error);

}  // namespace duet::engine
