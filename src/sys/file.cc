#include "sys/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>

namespace duet::sys {

namespace {

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};
using Dir = std::unique_ptr<DIR, DirCloser>;

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) {
    return ".";
  }
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status sync_directory(const std::string& path) {
  DUET_ASSIGN(const Fd dir, open_file(path, O_RDONLY | O_DIRECTORY));
  if (::fsync(dir.get()) != 0) {
    return Error::from_errno("fsync " + path, errno);
  }
  return {};
}

// Whether something is mounted on the folder open as `fd`; a bind has the device of what it shows.
bool is_mount_root(int fd) {
  struct statx info{};
  return ::statx(fd, "", AT_EMPTY_PATH, 0, &info) == 0 &&
         (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

// Removes what stands in the folder open as `fd`, which belongs to the device `device`.
Status remove_entries(int fd, dev_t device, const std::string& shown) {
  Dir dir(::fdopendir(fd));
  if (!dir) {
    ::close(fd);
    return Error::from_errno("open folder " + shown, errno);
  }
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") {
      continue;
    }
    const std::string path = shown + "/" + entry->d_name;
    struct stat info{};
    if (::fstatat(::dirfd(dir.get()), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      continue;  // gone already
    }
    if (info.st_dev != device) {
      return Error(ErrorCode::kConflict,
                   "remove " + path + ": another file system is mounted there");
    }
    int flags = 0;
    if (S_ISDIR(info.st_mode)) {
      const int child = ::openat(::dirfd(dir.get()), entry->d_name,
                                 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      if (child < 0) {
        return Error::from_errno("open " + path, errno);
      }
      if (is_mount_root(child)) {
        ::close(child);
        return Error(ErrorCode::kConflict, "remove " + path + ": another folder is mounted there");
      }
      DUET_TRY(remove_entries(child, device, path));
      flags = AT_REMOVEDIR;
    }
    if (::unlinkat(::dirfd(dir.get()), entry->d_name, flags) != 0 && errno != ENOENT) {
      return Error::from_errno("remove " + path, errno);
    }
  }
  return {};
}

}  // namespace

Result<Fd> open_file(const std::string& path, int flags, mode_t mode) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  if (fd < 0) {
    return Error::from_errno("open " + path, errno);
  }
  return Fd(fd);
}

Result<std::string> read_all(int fd, size_t limit_bytes) {
  std::string data;
  std::array<char, 65536> chunk;
  for (;;) {
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return Error::from_errno("read", errno);
    }
    if (got == 0) {
      return data;
    }
    if (data.size() + static_cast<size_t>(got) > limit_bytes) {
      return Error(ErrorCode::kExhausted,
                   "larger than the limit of " + std::to_string(limit_bytes) + " bytes");
    }
    data.append(chunk.data(), static_cast<size_t>(got));
  }
}

Result<std::string> read_file(const std::string& path, size_t limit_bytes) {
  DUET_ASSIGN(const Fd fd, open_file(path, O_RDONLY));
  auto data = read_all(fd.get(), limit_bytes);
  if (!data.ok()) {
    return data.error().wrap(path);
  }
  return data;
}

Status write_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t put = ::write(fd, data.data(), data.size());
    if (put < 0 && errno == EINTR) {
      continue;
    }
    if (put < 0) {
      return Error::from_errno("write", errno);
    }
    data.remove_prefix(static_cast<size_t>(put));
  }
  return {};
}

Status write_file_atomic(const std::string& path, std::string_view data, mode_t mode) {
  std::string temporary = path + ".XXXXXX";
  Fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd.valid()) {
    return Error::from_errno("create a file beside " + path, errno);
  }
  auto status = write_all(fd.get(), data);
  if (status.ok() && (::fchmod(fd.get(), mode) != 0 || ::fsync(fd.get()) != 0)) {
    status = Error::from_errno("fsync", errno);
  }
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) {
    status = Error::from_errno("rename", errno);
  }
  if (!status.ok()) {
    ::unlink(temporary.c_str());
    return status.error().wrap(path);
  }
  return sync_directory(parent_of(path));
}

Status write_file(const std::string& path, std::string_view data, mode_t mode) {
  DUET_ASSIGN(const Fd fd, open_file(path, O_WRONLY | O_CREAT | O_TRUNC, mode));
  const auto status = write_all(fd.get(), data);
  if (!status.ok()) {
    return status.error().wrap(path);
  }
  return {};
}

Status make_directories(const std::string& path, mode_t mode) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST) {
      return Error::from_errno("make folder " + part, errno);
    }
    if (end == std::string::npos) {
      break;
    }
  }
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0 && !S_ISDIR(info.st_mode)) {
    return Error(ErrorCode::kAlreadyExists, "make folder " + path + ": a file of that name exists");
  }
  return {};
}

Status remove_tree(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? Status() : Error::from_errno("stat " + path, errno);
  }
  if (!S_ISDIR(info.st_mode)) {
    return ::unlink(path.c_str()) == 0 ? Status() : Error::from_errno("remove " + path, errno);
  }
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    return Error::from_errno("open " + path, errno);
  }
  DUET_TRY(remove_entries(fd, info.st_dev, path));
  if (::rmdir(path.c_str()) != 0 && errno != ENOENT) {
    return Error::from_errno("remove " + path, errno);
  }
  return {};
}

bool file_exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Result<std::vector<std::string>> list_directory(const std::string& path) {
  const Dir dir(::opendir(path.c_str()));
  if (!dir) {
    return Error::from_errno("open folder " + path, errno);
  }
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") {
      names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::string> make_temporary_directory(const std::string& parent, std::string_view prefix) {
  std::string path = parent + "/" + std::string(prefix) + "XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    return Error::from_errno("make a temporary folder in " + parent, errno);
  }
  return path;
}

}  // namespace duet::sys
