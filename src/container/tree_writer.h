#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "container/tree_path.h"
#include "sys/fd.h"

namespace duet::container {

// One member of a layer's tar, as read from it: nothing in it is trusted.
struct TreeEntry {
  enum class Type { kFile, kDirectory, kSymlink, kHardLink, kCharDevice, kBlockDevice, kFifo };
  Type type = Type::kFile;
  std::string path;
  std::string link_target;  // kSymlink, kHardLink
  mode_t mode = 0;          // permission bits
  uid_t uid = 0;
  gid_t gid = 0;
  dev_t device = 0;
  timespec mtime{};
  int64_t size_bytes = 0;
  std::vector<std::pair<std::string, std::string>> xattrs;
};

// A piece of a file; what lies between pieces is a hole.
struct ContentPiece {
  std::string_view data;
  int64_t offset = 0;
};
// The next piece of the current file, none at its end.
using ContentReader = std::function<Result<std::optional<ContentPiece>>()>;

// Writes the members of one layer below a folder as overlayfs wants them (kernel: overlayfs.rst;
// OCI image-spec layer.md): whiteouts become 0:0 character devices, opaque folders get the extended
// attribute user.overlay.opaque (so that no CAP_SYS_ADMIN is needed; mounts need `userxattr`).
//
// Links are followed as if the folder were the root, so nothing outside is reached even without a
// chroot, as long as nobody else writes to the folder. Not thread-safe.
class TreeWriter {
 public:
  // `root` is the folder, open for reading; it must be empty and outlive the writer.
  explicit TreeWriter(int root) : root_(root) {}

  // kInvalid: a path with "..", a name that cannot be made, a hard link to nothing.
  Status add(const TreeEntry& entry, const ContentReader& content);
  // Sets what had to wait until everything is written: the times of folders.
  Status finish();

 private:
  struct Place {
    sys::Fd parent;
    std::string parent_path;  // resolved, without links
    std::string name;         // empty: the root itself
  };

  Result<Place> locate(const std::string& path, MissingDirectory missing) const;
  Status add_at(const Place& place, const TreeEntry& entry, const ContentReader& content);
  Status add_directory(const Place& place, const TreeEntry& entry);
  Status add_file(const Place& place, const TreeEntry& entry, const ContentReader& content);
  Status add_hard_link(const Place& place, const TreeEntry& entry);
  Status add_special(const Place& place, const TreeEntry& entry);
  Status add_whiteout(const Place& place, const std::string& hidden);

  struct DirectoryTime {
    std::string path;
    timespec mtime;
  };
  int root_;
  std::vector<DirectoryTime> times_;
};

}  // namespace duet::container
