#include "oci/lock_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "sys/file.h"

namespace duet::oci {

namespace {

// Whether `path` still names the open file: who removed it while we waited took the lock with it.
bool still_named(int fd, const std::string& path) {
  struct stat ours{};
  struct stat named{};
  return ::fstat(fd, &ours) == 0 && ::stat(path.c_str(), &named) == 0 &&
         ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

Result<sys::Fd> take(const std::string& path, LockMode mode, int command) {
  struct flock whole{};
  whole.l_type = mode == LockMode::kShared ? F_RDLCK : F_WRLCK;
  whole.l_whence = SEEK_SET;
  for (;;) {
    DUET_ASSIGN(sys::Fd fd, sys::open_file(path, O_RDWR | O_CREAT, 0600));
    while (::fcntl(fd.get(), command, &whole) != 0) {
      if (errno == EAGAIN || errno == EACCES) {
        return sys::Fd();
      }
      if (errno != EINTR) {
        return Error::from_errno("lock " + path, errno);
      }
    }
    if (still_named(fd.get(), path)) {
      return fd;
    }
  }
}

}  // namespace

Result<sys::Fd> lock_file(const std::string& path, LockMode mode) {
  return take(path, mode, F_OFD_SETLKW);
}

Result<sys::Fd> try_lock_file(const std::string& path, LockMode mode) {
  return take(path, mode, F_OFD_SETLK);
}

}  // namespace duet::oci
