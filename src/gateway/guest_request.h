#pragma once

#include <vector>

#include "engine/handler.h"
#include "gateway/exchange.h"
#include "net/http_message.h"

namespace duet::gateway {

// The head of a guest's outgoing request as a call gets it; `fields` keeps those that are passed
// on, which view `head`, as `call` does. The engine has seen to it that names are tokens and that
// values have no control bytes; the rest is held to what a client's head is held to, because a
// server reads both: the target is in visible ASCII, the authority is host[:port], and nobody asks
// for CONNECT. Fields of the connection and Host are left out, and Content-Length becomes the
// framing. Nullptr: fine; else why it is no request (a constant). Pure.
const char* read_guest_request(const engine::OutgoingHead& head, std::vector<net::Field>& fields,
                               CallHead& call);

}  // namespace duet::gateway
