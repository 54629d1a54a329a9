#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>

namespace duet::sys {

// What tells that a file is not the one it was. Its time alone does not: whatever is written within
// one tick of the kernel's clock has the same.
struct FileStamp {
  static FileStamp of(const struct stat& info);
  // Of the file that `path` leads to, over symbolic links. nullopt: none can be seen there.
  static std::optional<FileStamp> of(const std::string& path);

  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size = 0;  // bytes
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;
  bool operator==(const FileStamp&) const = default;
};

}  // namespace duet::sys
