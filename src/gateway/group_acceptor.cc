#include "gateway/group_acceptor.h"

#include <sys/socket.h>

namespace duet::gateway {

// Level-triggered: what is left is told again.
void GroupAcceptor::on_io(std::uint32_t) {
  sys::Fd fd(accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (fd.valid()) {
    groups_.accept(std::move(fd));
  }
}

}  // namespace duet::gateway
