#pragma once

#include "base/result.h"

namespace duet::sys {

// While it lives, whoever opens the file of `fd` for writing waits, so that what is read is not cut
// off meanwhile. `fd` must be open for reading only, and outlive it.
class ReadLease {
 public:
  // kConflict: somebody is writing. Where the file system or this user has no leases, one is given
  // that holds nobody.
  static Result<ReadLease> take(int fd);
  ~ReadLease();
  ReadLease(ReadLease&& other) noexcept;
  ReadLease& operator=(ReadLease&&) = delete;

 private:
  explicit ReadLease(int fd) : fd_(fd) {}
  int fd_;  // -1: none
};

}  // namespace duet::sys
