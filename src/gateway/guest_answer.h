#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/handler.h"
#include "gateway/exchange.h"
#include "net/http_message.h"

// What a guest says in fields, as the gateway takes it. The engine has seen to it that names are
// tokens and that values have no control bytes; what the fields mean is judged here.
namespace duet::gateway {

// The head of a guest's answer; `fields` keeps those that are passed on, which view `head`. Fields
// of the connection are left out, and Content-Length becomes the framing. Nullptr: fine; else why
// it is no answer (a constant).
const char* read_guest_head(const engine::ResponseHead& head, std::vector<net::Field>& fields,
                            AnswerHead& answer);

// Copies of the trailers that may be passed on.
std::vector<std::pair<std::string, std::string>> keep_guest_trailers(
    std::span<const engine::Field> trailers);

}  // namespace duet::gateway
