#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace duet::sys {

// How many TCP sockets of the network namespace pinned at `path` listen, or have a connection that
// somebody still uses or that has bytes to deliver. Those that have said everything and only wait
// for the other side or a timer of the kernel do not count. Needs root; thread-safe.
Result<std::size_t> count_tcp_sockets(const std::string& network_namespace);

// The same of a table as /proc/net/tcp and tcp6 have it (Linux, networking/proc_net_tcp.rst). Pure.
std::size_t count_tcp_sockets_in(std::string_view table);

}  // namespace duet::sys
