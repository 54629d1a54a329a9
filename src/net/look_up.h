#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "net/socket.h"

namespace duet::net {

// The addresses of `host`, an IP address or a name that the system's resolver (getaddrinfo) knows,
// in the order in which to try them. Blocks. kNotFound: there is no such name; kUnavailable: nobody
// could be asked.
Result<std::vector<SocketAddress>> look_up(const std::string& host, int port);

}  // namespace duet::net
