#include "sys/read_lease.h"

#include <fcntl.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace duet::sys {

Result<ReadLease> ReadLease::take(int fd) {
  // Somebody who waits is told of by a signal; by default that is one that ends a process.
  ::fcntl(fd, F_SETSIG, SIGURG);
  if (::fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
    return ReadLease(fd);
  }
  if (errno == EAGAIN) {
    return Error(ErrorCode::kConflict, "the file is being written");
  }
  return ReadLease(-1);
}

ReadLease::~ReadLease() {
  if (fd_ >= 0) {
    ::fcntl(fd_, F_SETLEASE, F_UNLCK);
  }
}

ReadLease::ReadLease(ReadLease&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

}  // namespace duet::sys
