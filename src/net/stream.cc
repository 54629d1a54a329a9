#include "net/stream.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace duet::net {

Stream::Stream(Stream&& other) noexcept
    : fd_(std::move(other.fd_)),
      cipher_(std::move(other.cipher_)),
      in_(std::move(other.in_)),
      out_(std::move(other.out_)),
      readable_(other.readable_),
      end_near_(other.end_near_),
      writable_(other.writable_),
      ended_(other.ended_),
      failed_(other.failed_),
      error_(other.error_),
      sent_bytes_(other.sent_bytes_) {}

void Stream::note_events(std::uint32_t events) {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
    readable_ = true;
  }
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
    end_near_ = true;
  }
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
    writable_ = true;
  }
  if ((events & EPOLLERR) != 0) {
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    fail(error != 0 ? error : EPIPE);
  } else if ((events & EPOLLHUP) != 0) {
    writable_ = true;  // the next send says what is wrong
  }
  if (cipher_) {
    cipher_->note_events((events & ~std::uint32_t{EPOLLOUT}) != 0, end_near_);
    readable_ |= writable_;  // a handshake may wait for room to send, and goes on by reading
  }
}

void Stream::fail(int error) {
  failed_ = true;
  error_ = error;
  readable_ = false;
  writable_ = false;
}

std::string Stream::problem() const {
  return cipher_ && !cipher_->problem().empty() ? cipher_->problem() : std::strerror(error_);
}

bool Stream::shake_hands() {
  if (cipher_ && !cipher_->ready()) {
    fill(1);
  }
  return !cipher_ || cipher_->ready();
}

bool Stream::fill(std::size_t limit_bytes, std::size_t read_bytes) {
  if (!readable() || in_.size() >= limit_bytes) {
    return false;
  }
  if (cipher_) {
    return fill_plain(read_bytes);
  }
  char* room = in_.prepare(read_bytes);
  const std::size_t size = in_.room();
  const ssize_t got = recv(fd_.get(), room, size, 0);
  if (got > 0) {
    in_.commit(static_cast<std::size_t>(got));
    readable_ = static_cast<std::size_t>(got) == size || end_near_;
    return true;
  }
  if (got == 0) {
    ended_ = true;
    readable_ = false;
    return true;
  }
  if (errno == EAGAIN) {
    readable_ = false;
    return false;
  }
  if (errno == EINTR) {
    return false;
  }
  fail(errno);
  return true;
}

// Reads plain text from the cipher.
bool Stream::fill_plain(std::size_t read_bytes) {
  char* room = in_.prepare(read_bytes);
  const StreamCipher::Outcome outcome = cipher_->read(room, in_.room());
  switch (outcome.state) {
    case StreamCipher::State::kDone:
      in_.commit(outcome.size);
      return true;
    case StreamCipher::State::kBlocked:
      readable_ = false;
      return false;
    case StreamCipher::State::kEnded:
      ended_ = true;
      readable_ = false;
      return true;
    case StreamCipher::State::kFailed:
      fail(EPROTO);
      return true;
  }
  return false;
}

// Everything goes through out_, so that small pieces make one record.
void Stream::send_plain(std::initializer_list<std::string_view> pieces) {
  for (const std::string_view piece : pieces) {
    out_.append(piece);
  }
  while (writable_ && !out_.empty()) {
    const StreamCipher::Outcome outcome = cipher_->write(out_.view());
    if (outcome.state == StreamCipher::State::kDone) {
      out_.consume(outcome.size);
      sent_bytes_ += outcome.size;
    } else if (outcome.state == StreamCipher::State::kBlocked) {
      writable_ = false;
    } else {
      fail(EPROTO);
    }
  }
}

void Stream::send(std::initializer_list<std::string_view> pieces) {
  if (cipher_) {
    if (!failed_) {
      send_plain(pieces);
    }
    return;
  }
  constexpr std::size_t kPieces = 6;
  std::array<iovec, kPieces> vectors;
  std::size_t count = 0;
  std::size_t total = 0;
  const auto add = [&](std::string_view piece) {
    if (!piece.empty() && count < kPieces) {
      vectors[count++] = {const_cast<char*>(piece.data()), piece.size()};
      total += piece.size();
    }
  };
  if (failed_) {
    return;
  }
  add(out_.view());
  for (const std::string_view piece : pieces) {
    add(piece);
  }
  if (total == 0) {
    return;
  }
  ssize_t sent = 0;
  if (writable_) {
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = count;
    do {
      sent = sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno != EAGAIN) {
      fail(errno);
      return;
    }
    sent = sent < 0 ? 0 : sent;
    writable_ = static_cast<std::size_t>(sent) == total;
    sent_bytes_ += static_cast<std::uint64_t>(sent);
  }
  std::size_t skip = static_cast<std::size_t>(sent);
  const std::size_t from_out = skip < out_.size() ? skip : out_.size();
  out_.consume(from_out);
  skip -= from_out;
  for (const std::string_view piece : pieces) {
    const std::size_t cut = skip < piece.size() ? skip : piece.size();
    out_.append(piece.substr(cut));
    skip -= cut;
  }
}

void Stream::shutdown_send() {
  say_end();
  ::shutdown(fd_.get(), SHUT_WR);
}

void Stream::say_end() {
  if (cipher_ && !failed_) {
    cipher_->say_end();
  }
}

void Stream::release_memory() {
  if (in_.empty()) {
    in_.release();
  }
  if (out_.empty()) {
    out_.release();
  }
}

}  // namespace duet::net
