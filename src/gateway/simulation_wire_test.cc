#include "gateway/simulation_wire_test.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace duet::gateway::simulation {

Result<std::pair<sys::Fd, sys::Fd>> make_wire(Random& random) {
  int ends[2] = {};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error::from_errno("socketpair", errno);
  }
  std::pair<sys::Fd, sys::Fd> wire{sys::Fd(ends[0]), sys::Fd(ends[1])};
  for (const int end : ends) {
    const int size = 2'048 << random.below(6);
    setsockopt(end, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
  }
  return wire;
}

bool WireEnd::write_some(Random& random) {
  if (!open() || out_.empty()) {
    return false;
  }
  const std::size_t most = random.one_in(3) ? 1 + random.below(8) : 1 + random.below(40'000);
  const std::size_t alone = out_.size() > together_ ? out_.size() - together_ : 0;
  const std::size_t size = alone > 0 ? std::min(most, alone) : out_.size();
  const ssize_t sent = send(fd_.get(), out_.data(), size, MSG_NOSIGNAL);
  if (sent <= 0) {
    if (errno != EAGAIN) {
      out_.clear();  // nobody takes it any more; what the other end has said is still to be read
    }
    return false;
  }
  out_.erase(0, static_cast<std::size_t>(sent));
  together_ = out_.empty() ? 0 : together_;
  return true;
}

void WireEnd::end_writing() { shutdown(fd_.get(), SHUT_WR); }

bool WireEnd::read_some(Random& random) {
  if (!open() || ended_) {
    return false;
  }
  char bytes[16 << 10];
  const std::size_t most = random.one_in(4) ? 1 + random.below(8) : 1 + random.below(sizeof(bytes));
  const ssize_t got = recv(fd_.get(), bytes, most, 0);
  if (got > 0) {
    in_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }
  ended_ = got == 0 || errno != EAGAIN;
  return ended_;
}

}  // namespace duet::gateway::simulation
