#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// The small files and the folders in which the kernel shows cgroups. All functions are thread-safe.
namespace duet::sys {

// Levels of groups below one another: deeper ones are neither made nor looked at.
inline constexpr size_t kCgroupDepthLimit = 32;

// The whole file; the error names `path`.
Result<std::string> read_cgroup_file(const std::string& path);

// The number in a file that holds one; 0 when there is none.
int64_t read_cgroup_number(const std::string& path);

// The number after `key ` in a file of such lines; 0 when there is none.
int64_t read_cgroup_value(const std::string& path, std::string_view key);

// The parts of `text` between separators, each without the spaces and line ends behind it; empty
// ones are left out.
std::vector<std::string> split_list(const std::string& text, char separator);

// The number that `text` begins with; 0 when there is none.
int64_t leading_number(std::string_view text);

// `directory` and the folders below it, parents first; nothing if it does not exist.
std::vector<std::string> cgroup_tree(const std::string& directory);

}  // namespace duet::sys
