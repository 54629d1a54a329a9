#include "oci/layout_folder.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "oci/digest.h"
#include "sys/file.h"

namespace duet::oci {

Result<sys::Fd> open_folder(const std::string& path) {
  return sys::open_file(path, O_RDONLY | O_DIRECTORY);
}

Result<sys::Fd> open_inside(int folder, const std::string& path) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  sys::Fd fd(static_cast<int>(::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how)));
  if (!fd.valid()) {
    return errno == ELOOP || errno == EXDEV
               ? invalid(path + ": a symbolic link, which is not followed")
               : Error::from_errno("open " + path, errno);
  }
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return invalid(path + ": not a regular file");
  }
  return fd;
}

Result<sys::Fd> open_layout_blob(int layout, const Descriptor& blob) {
  if (!is_digest(blob.digest)) {
    return invalid("\"" + blob.digest + "\" is not a SHA-256 digest");
  }
  DUET_ASSIGN(sys::Fd fd,
              open_inside(layout, "blobs/sha256/" + std::string(digest_hex(blob.digest))));
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) {
    return Error::from_errno("blob " + blob.digest, errno);
  }
  if (info.st_size < blob.size_bytes) {
    return Error(ErrorCode::kCorrupt, "blob " + blob.digest +
                                          ": truncated: " + std::to_string(info.st_size) + " of " +
                                          std::to_string(blob.size_bytes) + " bytes");
  }
  return fd;
}

Result<Index> read_layout_index(int layout) {
  DUET_ASSIGN(const sys::Fd fd, open_inside(layout, "index.json"));
  auto text = sys::read_all(fd.get(), static_cast<size_t>(kManifestLimitBytes));
  if (!text.ok()) {
    return text.error().wrap("index.json");
  }
  return parse_index(*text);
}

}  // namespace duet::oci
