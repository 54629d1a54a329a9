#include "net/byte_stream.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "net/http_stream.h"

namespace duet::net {
namespace {

Error nothing_came() { return {ErrorCode::kTimeout, "the peer sent nothing in time"}; }

}  // namespace

Result<std::size_t> SocketStream::receive(char* into, std::size_t size) {
  for (;;) {
    const ssize_t got = recv(fd_, into, size, 0);
    if (got >= 0) {
      return static_cast<std::size_t>(got);
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return nothing_came();
    }
    if (errno != EINTR) {
      return Error::from_errno("receiving", errno);
    }
  }
}

Status SocketStream::send(std::string_view data) { return send_all(fd_, data); }

void SocketStream::set_timeout(std::int64_t timeout_ms) {
  const timeval time{.tv_sec = timeout_ms / 1000, .tv_usec = (timeout_ms % 1000) * 1000};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
}

void SocketStream::end() { shutdown(fd_, SHUT_WR); }

Result<std::size_t> CipherByteStream::receive(char* into, std::size_t size) {
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      const StreamCipher::Outcome outcome = cipher_->read(into, size);
      switch (outcome.state) {
        case StreamCipher::State::kDone:
          return outcome.size;
        case StreamCipher::State::kEnded:
          return std::size_t{0};
        case StreamCipher::State::kFailed:
          return failure();
        case StreamCipher::State::kBlocked:
          break;
      }
    }
    DUET_TRY(wait(POLLIN));
  }
}

Status CipherByteStream::send(std::string_view data) {
  while (!data.empty()) {
    bool in_handshake = false;
    {
      const std::lock_guard lock(mutex_);
      const StreamCipher::Outcome outcome = cipher_->write(data);
      switch (outcome.state) {
        case StreamCipher::State::kDone:
          data.remove_prefix(outcome.size);
          continue;
        case StreamCipher::State::kEnded:
          return Error(ErrorCode::kUnavailable, "the peer closed");
        case StreamCipher::State::kFailed:
          return failure();
        case StreamCipher::State::kBlocked:
          in_handshake = !cipher_->ready();
      }
    }
    // What a handshake sends has room in an empty socket: it waits for the peer's part.
    DUET_TRY(wait(in_handshake ? POLLIN : POLLOUT));
  }
  return {};
}

void CipherByteStream::end() {
  const std::lock_guard lock(mutex_);
  cipher_->say_end();
  shutdown(fd_, SHUT_WR);
}

Status CipherByteStream::wait(short events) {
  pollfd waiting{.fd = fd_, .events = events, .revents = 0};
  const std::int64_t timeout_ms = timeout_ms_;
  const int limit_ms =
      timeout_ms == 0 ? -1 : static_cast<int>(std::min<std::int64_t>(timeout_ms, INT_MAX));
  const int ready = poll(&waiting, 1, limit_ms);
  if (ready < 0 && errno != EINTR) {
    return Error::from_errno("waiting for a peer", errno);
  }
  if (ready == 0) {
    return nothing_came();
  }
  const std::lock_guard lock(mutex_);
  cipher_->note_events(true, (waiting.revents & (POLLHUP | POLLERR)) != 0);
  return {};
}

Error CipherByteStream::failure() const {
  return {cipher_->distrusts() ? ErrorCode::kPermission : ErrorCode::kUnavailable,
          cipher_->problem()};
}

}  // namespace duet::net
