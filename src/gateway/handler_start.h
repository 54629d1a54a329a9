#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/handler.h"
#include "gateway/exchange.h"
#include "gateway/services.h"

namespace duet::gateway {

// A request of `head` in a sandbox of the handler, of which nothing has run yet for it; what it
// wants is told under `token`. kExhausted: there is no sandbox; kInvalid: the handler cannot be
// asked this.
Result<engine::HandlerRequest> start_request(const HandlerShared& shared, const CallHead& head,
                                             std::uint64_t token);

// Views of `fields` as the engine takes them; `memory` keeps them.
std::span<const engine::Field> engine_fields(std::span<const net::Field> fields,
                                             std::vector<engine::Field>& memory);

}  // namespace duet::gateway
