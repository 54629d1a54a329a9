#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/config.h"
#include "net/http_message.h"

// What a rule's filters do to heads. Results are views into the request, the configuration, and
// strings of the caller.
namespace duet::gateway {

// Replaces, adds and removes fields. Fields that frame a message or belong to one connection are
// left alone.
void modify_fields(const HeaderModifier& modifier, std::vector<net::Field>& fields);

// The fields of a request for a backend: without those of the connection (also those that
// Connection names), of framing, Host, and those in which a client could lie about where it comes
// from (X-Forwarded-*, Forwarded).
void forwarded_fields(const net::RequestHead& request, std::vector<net::Field>& out);

// The path that `modifier` makes of `path`, which was matched by `prefix`.
std::string modify_path(const PathModifier& modifier, std::string_view path,
                        std::string_view prefix);

// Where a redirect leads: the Location for a request that came over `scheme`.
std::string redirect_location(const Redirect& redirect, std::string_view scheme,
                              const net::RequestHead& request, std::string_view prefix);

}  // namespace duet::gateway
