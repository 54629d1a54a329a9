#include "container/tree_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

namespace duet::container {

namespace {

constexpr std::string_view kWhiteoutPrefix = ".wh.";
constexpr std::string_view kOpaqueMarker = ".wh..wh..opq";
constexpr std::string_view kReservedPrefix = ".wh..wh.";  // aufs' own files
constexpr std::string_view kKeptXattrs[] = {"security.capability", "system.posix_acl_access",
                                            "system.posix_acl_default"};

// What overlayfs or the host's policy gives a meaning to must not come from an image.
bool is_kept(std::string_view xattr) {
  if (xattr.starts_with("user.")) {
    return !xattr.starts_with("user.overlay.");
  }
  return std::find(std::begin(kKeptXattrs), std::end(kKeptXattrs), xattr) != std::end(kKeptXattrs);
}

std::array<timespec, 2> times_of(const timespec& mtime) { return {mtime, mtime}; }

// Owner, then mode (a change of owner clears set-user-id), then attributes (it clears
// capabilities).
Status set_attributes(int fd, const TreeEntry& entry) {
  if (::fchown(fd, entry.uid, entry.gid) != 0) {
    return Error::from_errno("set the owner", errno);
  }
  if (::fchmod(fd, entry.mode & 07777U) != 0) {
    return Error::from_errno("set the mode", errno);
  }
  for (const auto& [name, value] : entry.xattrs) {
    if (is_kept(name) && ::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) != 0) {
      return Error::from_errno("set the extended attribute " + name, errno);
    }
  }
  return {};
}

Status write_content(int fd, const TreeEntry& entry, const ContentReader& content) {
  for (;;) {
    DUET_ASSIGN(const auto piece, content());
    if (!piece) {
      break;
    }
    std::string_view data = piece->data;
    off_t offset = piece->offset;
    if (offset < 0 || static_cast<int64_t>(data.size()) > entry.size_bytes - offset) {
      return invalid("its content is longer than its size says");
    }
    while (!data.empty()) {
      const ssize_t put = ::pwrite(fd, data.data(), data.size(), offset);
      if (put < 0) {
        return Error::from_errno("write", errno);
      }
      data.remove_prefix(static_cast<size_t>(put));
      offset += put;
    }
  }
  if (::ftruncate(fd, entry.size_bytes) != 0) {
    return Error::from_errno("set the size", errno);
  }
  return {};
}

mode_t type_bits(TreeEntry::Type type) {
  switch (type) {
    case TreeEntry::Type::kCharDevice:
      return S_IFCHR;
    case TreeEntry::Type::kBlockDevice:
      return S_IFBLK;
    default:
      return S_IFIFO;
  }
}

}  // namespace

Result<TreeWriter::Place> TreeWriter::locate(const std::string& path,
                                             MissingDirectory missing) const {
  DUET_ASSIGN(auto parts, tree_components(path));
  Place place;
  if (!parts.empty()) {
    place.name = std::move(parts.back());
    parts.pop_back();
  }
  DUET_ASSIGN(auto parent, open_tree_directory(root_, parts, missing));
  place.parent = std::move(parent.fd);
  place.parent_path = std::move(parent.path);
  return place;
}

Status TreeWriter::add(const TreeEntry& entry, const ContentReader& content) {
  auto place = locate(entry.path, MissingDirectory::kCreate);
  auto status = place.ok() ? add_at(*place, entry, content) : Status(place.error());
  if (!status.ok()) {
    return status.error().wrap("\"" + entry.path.substr(0, 256) + "\"");
  }
  return {};
}

Status TreeWriter::add_at(const Place& place, const TreeEntry& entry,
                          const ContentReader& content) {
  if (place.name == kOpaqueMarker) {
    return make_opaque(place.parent.get());
  }
  if (place.name.starts_with(kReservedPrefix)) {
    return {};
  }
  if (place.name.starts_with(kWhiteoutPrefix)) {
    return add_whiteout(place, place.name.substr(kWhiteoutPrefix.size()));
  }
  if (entry.type == TreeEntry::Type::kDirectory) {
    return add_directory(place, entry);
  }
  if (place.name.empty()) {
    return invalid("the root of the tree must be a folder");
  }
  // A hard link may name itself through another path: look before removing what is in its place.
  if (entry.type == TreeEntry::Type::kHardLink) {
    return add_hard_link(place, entry);
  }
  if (::faccessat(place.parent.get(), place.name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
    DUET_TRY(remove_below(place.parent.get(), place.name));
  }
  return entry.type == TreeEntry::Type::kFile ? add_file(place, entry, content)
                                              : add_special(place, entry);
}

Status TreeWriter::add_directory(const Place& place, const TreeEntry& entry) {
  const char* name = place.name.empty() ? "." : place.name.c_str();
  const int parent = place.parent.get();
  struct stat info{};
  const bool exists = ::fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
  const bool hides = exists && is_whiteout(parent, name);
  if (!exists || !S_ISDIR(info.st_mode)) {
    if (exists) {
      DUET_TRY(remove_below(parent, name));
    }
    if (::mkdirat(parent, name, 0700) != 0) {
      return Error::from_errno("make folder", errno);
    }
  }
  const sys::Fd fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) {
    return Error::from_errno("open folder", errno);
  }
  if (hides) {
    DUET_TRY(make_opaque(fd.get()));
  }
  DUET_TRY(set_attributes(fd.get(), entry));
  const std::string slash = place.parent_path.empty() ? "" : "/";
  times_.push_back({place.parent_path + slash + place.name, entry.mtime});
  return {};
}

Status TreeWriter::add_file(const Place& place, const TreeEntry& entry,
                            const ContentReader& content) {
  const sys::Fd fd(::openat(place.parent.get(), place.name.c_str(),
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid()) {
    return Error::from_errno("make file", errno);
  }
  DUET_TRY(write_content(fd.get(), entry, content));
  DUET_TRY(set_attributes(fd.get(), entry));
  if (::futimens(fd.get(), times_of(entry.mtime).data()) != 0) {
    return Error::from_errno("set the time", errno);
  }
  return {};
}

Status TreeWriter::add_hard_link(const Place& place, const TreeEntry& entry) {
  auto target = locate(entry.link_target, MissingDirectory::kFail);
  if (!target.ok()) {
    return target.error().wrap("hard link to \"" + entry.link_target.substr(0, 256) + "\"");
  }
  struct stat from{};
  struct stat there{};
  const char* name = target->name.c_str();
  if (::fstatat(target->parent.get(), name, &from, AT_SYMLINK_NOFOLLOW) != 0) {
    return invalid("hard link to \"" + entry.link_target.substr(0, 256) +
                   "\", which the layer does not hold before it");
  }
  if (::fstatat(place.parent.get(), place.name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0) {
    if (there.st_ino == from.st_ino && there.st_dev == from.st_dev) {
      return {};
    }
    DUET_TRY(remove_below(place.parent.get(), place.name));
  }
  if (::linkat(target->parent.get(), name, place.parent.get(), place.name.c_str(), 0) != 0) {
    return Error::from_errno("hard link to \"" + entry.link_target.substr(0, 256) + "\"", errno);
  }
  return {};
}

Status TreeWriter::add_special(const Place& place, const TreeEntry& entry) {
  const int parent = place.parent.get();
  const char* name = place.name.c_str();
  if (entry.type == TreeEntry::Type::kSymlink) {
    if (::symlinkat(entry.link_target.c_str(), parent, name) != 0) {
      return Error::from_errno("make symbolic link", errno);
    }
  } else if (::mknodat(parent, name, type_bits(entry.type) | 0600U, entry.device) != 0) {
    return Error::from_errno("make device node", errno);
  }
  if (::fchownat(parent, name, entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return Error::from_errno("set the owner", errno);
  }
  // A symbolic link has no mode of its own.
  if (entry.type != TreeEntry::Type::kSymlink &&
      ::fchmodat(parent, name, entry.mode & 07777U, 0) != 0) {
    return Error::from_errno("set the mode", errno);
  }
  if (::utimensat(parent, name, times_of(entry.mtime).data(), AT_SYMLINK_NOFOLLOW) != 0) {
    return Error::from_errno("set the time", errno);
  }
  return {};
}

Status TreeWriter::add_whiteout(const Place& place, const std::string& hidden) {
  if (hidden.empty() || hidden == "." || hidden == "..") {
    return invalid("a whiteout of nothing");
  }
  // A whiteout hides what lower layers have, never what this layer has (image-spec, layer.md).
  struct stat info{};
  const int parent = place.parent.get();
  if (::fstatat(parent, hidden.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
    if (!S_ISDIR(info.st_mode)) {
      return {};
    }
    const sys::Fd fd(
        ::openat(parent, hidden.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    return make_opaque(fd.get());
  }
  if (::mknodat(parent, hidden.c_str(), S_IFCHR, 0) != 0) {
    return Error::from_errno("make whiteout", errno);
  }
  return {};
}

Status TreeWriter::finish() {
  for (const auto& [path, mtime] : times_) {
    DUET_ASSIGN(const auto parts, tree_components(path));
    // A later member may have replaced the folder; then there is nothing to set.
    const auto directory = open_tree_directory(root_, parts, MissingDirectory::kFail);
    if (!directory.ok() || directory->path != path) {
      continue;
    }
    if (::futimens(directory->fd.get(), times_of(mtime).data()) != 0) {
      return Error::from_errno("set the time of \"" + path + "\"", errno);
    }
  }
  times_.clear();
  return {};
}

}  // namespace duet::container
