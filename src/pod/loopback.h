#pragma once

#include "base/result.h"
#include "sys/fd.h"

namespace duet::pod {

// To `port` of loopback in the calling thread's network namespace, by IPv4 or else IPv6.
// kUnavailable: nobody listens. Thread-safe.
Result<sys::Fd> connect_loopback(int port);

}  // namespace duet::pod
