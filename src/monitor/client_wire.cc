#include "monitor/client_wire.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

#include "sys/monotonic_ms.h"

namespace duet::monitor {

namespace {

// Whether `fd` has one of `events` before the deadline (-1: none).
Result<bool> wait_ready(int fd, short events, int64_t deadline_ms) {
  for (;;) {
    pollfd waiting{fd, events, 0};
    const int64_t left =
        deadline_ms < 0 ? -1 : std::max<int64_t>(deadline_ms - sys::monotonic_ms(), 0);
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::min<int64_t>(left, INT_MAX)));
    if (ready >= 0) {
      return ready > 0;
    }
    if (errno != EINTR) {
      return Error::from_errno("poll", errno);
    }
  }
}

Error gone() { return {ErrorCode::kUnavailable, "the monitor is gone"}; }

int64_t deadline_of(int64_t timeout_ms) {
  return timeout_ms < 0 ? -1 : sys::monotonic_ms() + timeout_ms;
}

}  // namespace

Status send_message(int fd, std::string_view message, int64_t timeout_ms,
                    const std::vector<int>& fds) {
  if (message.size() > kMessageLimitBytes) {
    return invalid("a request to a monitor is " + std::to_string(message.size()) +
                   " bytes, more than " + std::to_string(kMessageLimitBytes));
  }
  if (fds.size() > kPassedFdLimit) {
    return invalid("a process cannot be given more than " + std::to_string(kPassedFdLimit) +
                   " descriptors");
  }
  iovec data{const_cast<char*>(message.data()), message.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kPassedFdLimit * sizeof(int))> control{};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  if (!fds.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size() * sizeof(int));
  }
  const int64_t deadline = deadline_of(timeout_ms);
  for (;;) {
    if (::sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) {
      return {};
    }
    if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN) {
      return gone();
    }
    if (errno != EAGAIN && errno != EINTR) {
      return Error::from_errno("send to the monitor", errno);
    }
    DUET_ASSIGN(const bool ready, wait_ready(fd, POLLOUT, deadline));
    if (!ready) {
      return Error(ErrorCode::kTimeout,
                   "the monitor took nothing within " + std::to_string(timeout_ms) + " ms");
    }
  }
}

Result<std::optional<WireMessage>> receive_message(int fd, int64_t timeout_ms) {
  const int64_t deadline = deadline_of(timeout_ms);
  for (;;) {
    DUET_ASSIGN(const bool ready, wait_ready(fd, POLLIN, deadline));
    if (!ready) {
      return std::optional<WireMessage>();
    }
    std::string text(kMessageLimitBytes, '\0');
    const ssize_t got = ::recv(fd, text.data(), text.size(), MSG_DONTWAIT);
    if (got > 0) {
      text.resize(static_cast<size_t>(got));
      const auto type = static_cast<MessageType>(text[0]);
      return std::optional(WireMessage{type, text.substr(1)});
    }
    if (got == 0) {
      return gone();
    }
    // A reset (the monitor closed before it had read all of ours) is told once, and before what the
    // monitor has sent.
    if (errno != EAGAIN && errno != EINTR && errno != ECONNRESET) {
      return Error::from_errno("receive from the monitor", errno);
    }
  }
}

}  // namespace duet::monitor
