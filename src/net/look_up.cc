#include "net/look_up.h"

#include <netdb.h>

#include <cstring>

namespace duet::net {

Result<std::vector<SocketAddress>> look_up(const std::string& host, int port) {
  if (auto address = make_address(host, port); address.ok()) {
    return std::vector{*address};
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* first = nullptr;
  const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &first);
  if (error != 0) {
    return Error(error == EAI_NONAME ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
                 "looking up " + host + ": " + gai_strerror(error));
  }
  std::vector<SocketAddress> found;
  for (const addrinfo* one = first; one != nullptr; one = one->ai_next) {
    SocketAddress& address = found.emplace_back();
    std::memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
    address.size = one->ai_addrlen;
  }
  freeaddrinfo(first);
  return found;
}

}  // namespace duet::net
