#include "sys/cgroup_files.h"

#include <sys/stat.h>

#include <charconv>
#include <sstream>

#include "sys/file.h"

namespace duet::sys {

namespace {

// Kernel files are small; the largest is cgroup.procs of a group with very many processes.
constexpr size_t kFileLimitBytes = 16 << 20;

// Adds `directory` and the folders below it, parents first.
void add_tree(const std::string& directory, size_t depth, std::vector<std::string>& all) {
  all.push_back(directory);
  const auto names = list_directory(directory);
  if (!names.ok() || depth >= kCgroupDepthLimit) {
    return;
  }
  for (const auto& name : *names) {
    const std::string path = directory + "/" + name;
    struct stat info{};
    if (::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
      add_tree(path, depth + 1, all);
    }
  }
}

}  // namespace

Result<std::string> read_cgroup_file(const std::string& path) {
  return read_file(path, kFileLimitBytes);
}

int64_t read_cgroup_number(const std::string& path) {
  const auto text = read_cgroup_file(path);
  return text.ok() ? leading_number(*text) : 0;
}

int64_t read_cgroup_value(const std::string& path, std::string_view key) {
  const auto text = read_cgroup_file(path);
  if (!text.ok()) {
    return 0;
  }
  for (const auto& line : split_list(*text, '\n')) {
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ') {
      return leading_number(std::string_view(line).substr(key.size() + 1));
    }
  }
  return 0;
}

std::vector<std::string> split_list(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) {
    while (!part.empty() && (part.back() == '\n' || part.back() == ' ')) {
      part.pop_back();
    }
    if (!part.empty()) {
      parts.push_back(part);
    }
  }
  return parts;
}

int64_t leading_number(std::string_view text) {
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::vector<std::string> cgroup_tree(const std::string& directory) {
  std::vector<std::string> all;
  if (file_exists(directory)) {
    add_tree(directory, 0, all);
  }
  return all;
}

}  // namespace duet::sys
