#include "container/tree_path.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "sys/file.h"

namespace duet::container {

namespace {

constexpr int kLinkLimit = 40;  // as the kernel's
constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") {
      parts.emplace_back(part);
    }
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  return parts;
}

// A walk from the root down; ".." in a link's target goes up, never above the root.
class Walk {
 public:
  Walk(int root, MissingDirectory missing) : root_(root), missing_(missing) {}

  Status start() { return reset(); }

  Status run(const std::vector<std::string>& components) {
    todo_.assign(components.rbegin(), components.rend());
    while (!todo_.empty()) {
      const std::string name = std::move(todo_.back());
      todo_.pop_back();
      DUET_TRY(name == ".." ? up() : step(name));
    }
    return {};
  }

  TreeDirectory take() {
    std::string path;
    for (const auto& part : resolved_) {
      path += (path.empty() ? "" : "/") + part;
    }
    return {std::move(fd_), std::move(path)};
  }

 private:
  Status reset() {
    resolved_.clear();
    return move_to(::openat(root_, ".", kDirectoryFlags), "/");
  }

  Status move_to(int fd, const std::string& shown) {
    if (fd < 0) {
      return Error::from_errno("open folder " + shown, errno);
    }
    fd_.reset(fd);
    return {};
  }

  Status up() {
    if (resolved_.empty()) {
      return {};
    }
    resolved_.pop_back();
    return move_to(::openat(fd_.get(), "..", kDirectoryFlags), "..");
  }

  Status step(const std::string& name) {
    struct stat info{};
    if (::fstatat(fd_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno != ENOENT || missing_ == MissingDirectory::kFail) {
        return Error::from_errno(name, errno);
      }
      DUET_TRY(create(name));
    } else if (S_ISLNK(info.st_mode)) {
      return follow(name);
    } else if (missing_ == MissingDirectory::kCreate && is_whiteout(fd_.get(), name)) {
      // A folder takes the place of what the layer removes: nothing of the lower one may show.
      ::unlinkat(fd_.get(), name.c_str(), 0);
      DUET_TRY(create(name));
      DUET_TRY(enter(name));
      return make_opaque(fd_.get());
    } else if (!S_ISDIR(info.st_mode)) {
      return invalid(name + " is not a folder");
    }
    return enter(name);
  }

  Status enter(const std::string& name) {
    DUET_TRY(move_to(::openat(fd_.get(), name.c_str(), kDirectoryFlags), name));
    resolved_.push_back(name);
    return {};
  }

  Status create(const std::string& name) {
    if (::mkdirat(fd_.get(), name.c_str(), 0755) != 0 ||
        ::fchmodat(fd_.get(), name.c_str(), 0755, 0) != 0) {
      return Error::from_errno("make folder " + name, errno);
    }
    return {};
  }

  Status follow(const std::string& name) {
    if (++links_ > kLinkLimit) {
      return invalid(name + ": too many links");
    }
    std::array<char, PATH_MAX> target;
    const ssize_t length = ::readlinkat(fd_.get(), name.c_str(), target.data(), target.size());
    if (length < 0) {
      return Error::from_errno("read link " + name, errno);
    }
    const std::string_view text(target.data(), static_cast<size_t>(length));
    const auto parts = split_path(text);
    if (todo_.size() + parts.size() > PATH_MAX) {
      return invalid(name + ": the path behind links is too long");
    }
    todo_.insert(todo_.end(), parts.rbegin(), parts.rend());
    if (text.starts_with('/')) {
      return reset();
    }
    return {};
  }

  int root_;
  MissingDirectory missing_;
  sys::Fd fd_;
  std::vector<std::string> resolved_;
  std::vector<std::string> todo_;  // the next component last
  int links_ = 0;
};

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

// Removes the files in the folder open as `fd`; gives the name of a folder in it, none when it is
// empty now.
Result<std::optional<std::string>> remove_files(int fd) {
  const int own = ::openat(fd, ".", kDirectoryFlags);
  std::unique_ptr<DIR, DirCloser> dir(own < 0 ? nullptr : ::fdopendir(own));
  if (!dir) {
    return Error::from_errno("open folder", errno);
  }
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") {
      continue;
    }
    struct stat info{};
    if (::fstatat(fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return Error::from_errno(name, errno);
    }
    if (S_ISDIR(info.st_mode)) {
      return std::optional(name);
    }
    if (::unlinkat(fd, name.c_str(), 0) != 0) {
      return Error::from_errno("remove " + name, errno);
    }
  }
  return std::optional<std::string>();
}

}  // namespace

Result<std::vector<std::string>> tree_components(const std::string& path) {
  if (path.size() >= PATH_MAX) {
    return invalid("a path of " + std::to_string(path.size()) + " bytes is too long");
  }
  auto parts = split_path(path);
  for (const auto& part : parts) {
    if (part == "..") {
      return invalid(path + ": \"..\" is not allowed in a path");
    }
  }
  return parts;
}

Result<TreeDirectory> open_tree_directory(int root, const std::vector<std::string>& components,
                                          MissingDirectory missing) {
  Walk walk(root, missing);
  DUET_TRY(walk.start());
  DUET_TRY(walk.run(components));
  return walk.take();
}

Status make_opaque(int fd) {
  if (::fsetxattr(fd, "user.overlay.opaque", "y", 1, 0) != 0) {
    return Error::from_errno("mark a folder opaque (extended attributes user.* are needed)", errno);
  }
  return {};
}

bool is_whiteout(int parent, const std::string& name) {
  struct stat info{};
  return ::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISCHR(info.st_mode) && info.st_rdev == 0;
}

Status remove_below(int parent, const std::string& name) {
  if (::unlinkat(parent, name.c_str(), 0) == 0) {
    return {};
  }
  std::vector<std::string> names = {name};
  sys::Fd fd(::openat(parent, name.c_str(), kDirectoryFlags));
  while (!names.empty()) {
    if (!fd.valid()) {
      return Error::from_errno("remove " + names.back(), errno);
    }
    DUET_ASSIGN(const auto child, remove_files(fd.get()));
    if (child) {
      names.push_back(*child);
      fd.reset(::openat(fd.get(), child->c_str(), kDirectoryFlags));
      continue;
    }
    fd.reset(::openat(fd.get(), "..", kDirectoryFlags));
    if (fd.valid() && ::unlinkat(fd.get(), names.back().c_str(), AT_REMOVEDIR) != 0) {
      return Error::from_errno("remove " + names.back(), errno);
    }
    names.pop_back();
  }
  return {};
}

Status remove_foreign_tree(const std::string& path) {
  if (!sys::file_exists(path)) {
    return {};
  }
  const size_t slash = path.rfind('/');
  const std::string folder = slash == 0 ? "/" : path.substr(0, slash);
  DUET_ASSIGN(const sys::Fd parent, sys::open_file(folder, O_RDONLY | O_DIRECTORY));
  auto status = remove_below(parent.get(), path.substr(slash + 1));
  return status.ok() ? status : status.error().wrap(path);
}

}  // namespace duet::container
