#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

// Files as whole values. All functions are thread-safe; all descriptors are close-on-exec.
namespace duet::sys {

// open(2) with O_CLOEXEC added; the error names `path`.
Result<Fd> open_file(const std::string& path, int flags, mode_t mode = 0644);

// The whole content of `path`; kExhausted if it is larger than `limit_bytes`.
Result<std::string> read_file(const std::string& path, size_t limit_bytes);

// Everything that can be read from `fd` until its end; kExhausted past `limit_bytes`.
Result<std::string> read_all(int fd, size_t limit_bytes);

// Writes all of `data` to `fd`, which must be blocking.
Status write_all(int fd, std::string_view data);

// Replaces `path` as a whole: writes a new file beside it, fsyncs, renames, fsyncs the folder.
// After a crash the old or the new content is there, never a mixture.
Status write_file_atomic(const std::string& path, std::string_view data, mode_t mode = 0644);

// Writes `data` to `path` in place, creating it; for kernel files (cgroups, sysctl) and scratch
// files.
Status write_file(const std::string& path, std::string_view data, mode_t mode = 0644);

// mkdir -p. New folders get `mode`.
Status make_directories(const std::string& path, mode_t mode = 0755);

// rm -rf; a path that does not exist is fine. Does not follow symbolic links nor cross into other
// mounts.
Status remove_tree(const std::string& path);

bool file_exists(const std::string& path);

// Names in the folder `path`, sorted, without "." and "..".
Result<std::vector<std::string>> list_directory(const std::string& path);

// A temporary folder under `parent` with `prefix`, mode 0700; the caller removes it.
Result<std::string> make_temporary_directory(const std::string& parent, std::string_view prefix);

}  // namespace duet::sys
