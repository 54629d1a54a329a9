#include "sys/rename.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "sys/file.h"

namespace duet::sys {
namespace {

Status sync_folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "."
                             : slash == 0               ? "/"
                                                        : path.substr(0, slash);
  DUET_ASSIGN(const Fd fd, open_file(folder, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) {
    return Error::from_errno("fsync " + folder, errno);
  }
  return {};
}

Status rename_with(const std::string& from, const std::string& to, unsigned flags) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags) != 0) {
    return Error::from_errno("rename " + from + " to " + to, errno);
  }
  DUET_TRY(sync_folder_of(to));
  return sync_folder_of(from);
}

}  // namespace

Status rename_exclusive(const std::string& from, const std::string& to) {
  return rename_with(from, to, RENAME_NOREPLACE);
}

Status rename_over(const std::string& from, const std::string& to) {
  return rename_with(from, to, 0);
}

}  // namespace duet::sys
