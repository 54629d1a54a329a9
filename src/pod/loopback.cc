#include "pod/loopback.h"

#include <cstdint>

#include "net/byte_stream.h"
#include "net/socket.h"

namespace duet::pod {

Result<sys::Fd> connect_loopback(int port) {
  constexpr int64_t kConnectMs = 10'000;
  Error problem(ErrorCode::kUnavailable, "");
  for (const char* address : {"127.0.0.1", "::1"}) {
    DUET_ASSIGN(const auto target, net::make_address(address, port));
    auto connected = net::connect_tcp(target, kConnectMs);
    if (connected.ok()) {
      net::SocketStream(connected->get()).set_timeout(0);
      return connected;
    }
    problem = problem.message().empty() ? connected.error() : problem;
  }
  return Error(ErrorCode::kUnavailable, problem.message());
}

}  // namespace duet::pod
