#include "source/manifest_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/result.h"
#include "sys/file.h"

namespace duet::source {
namespace {

namespace fs = std::filesystem;

bool has_manifest_ending(std::string_view name) {
  return name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json");
}

std::string parent_of(const std::string& path) { return fs::path(path).parent_path().string(); }

// One scan in the making.
class Scan {
 public:
  Scan(const ScanLimits& limits, const std::function<void(const std::string&)>& on_folder)
      : limits_(limits), on_folder_(on_folder) {}

  void add_root(const std::string& given) {
    std::error_code error;
    std::string path = fs::absolute(given, error).lexically_normal().string();
    if (error) {
      return problem(given, given, error.message());
    }
    if (path.size() > 1 && path.ends_with('/')) {
      path.pop_back();
    }
    // Whether the root itself comes or goes is told by its folder, or by the nearest there is.
    std::string above = parent_of(path);
    while (above.size() > 1 && !sys::file_exists(above)) {
      above = parent_of(above);
    }
    on_folder_(above);
    add(path, given, 0, true);
  }

  ManifestFiles finish() { return std::move(out_); }

 private:
  void add(const std::string& path, const std::string& shown, size_t depth, bool is_root) {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) {
      return add_missing(path, shown, is_root, errno);
    }
    if (S_ISDIR(info.st_mode)) {
      add_folder(path, shown, depth, {info.st_dev, info.st_ino});
    } else if (is_root || has_manifest_ending(path)) {
      add_file(path, shown, info);
    }
  }

  // A file that was named and is gone was removed; a folder may be a disk that is not mounted, or
  // a link whose target is just being replaced.
  void add_missing(const std::string& path, const std::string& shown, bool is_root, int why) {
    std::error_code ignored;
    if (!is_root && why == ENOENT && !fs::is_symlink(path, ignored)) {
      return;  // removed since its folder was listed
    }
    const bool removed_file =
        is_root && why == ENOENT && has_manifest_ending(path) && sys::file_exists(parent_of(path));
    if (removed_file) {
      return problem("", shown, "no such file; what it brought is removed");
    }
    problem(path, shown, std::generic_category().message(why) + "; what came from there stays");
  }

  void add_folder(const std::string& path, const std::string& shown, size_t depth,
                  std::pair<uint64_t, uint64_t> identity) {
    if (!folders_.insert(identity).second) {
      return;  // a link back, or the same folder named twice
    }
    if (depth > limits_.depth_limit) {
      return problem(path, shown,
                     "more than " + std::to_string(limits_.depth_limit) + " folders deep");
    }
    on_folder_(path);
    const auto names = sys::list_directory(path);
    if (!names.ok()) {
      return problem(path, shown, names.error().message());
    }
    for (const std::string& name : *names) {
      if (!name.starts_with('.')) {
        add(path + "/" + name, shown + (shown.ends_with('/') ? "" : "/") + name, depth + 1, false);
      }
    }
  }

  void add_file(const std::string& path, const std::string& shown, const struct stat& info) {
    if (!S_ISREG(info.st_mode)) {
      return problem(path, shown, "not a regular file");
    }
    if (!seen_.insert({info.st_dev, info.st_ino}).second) {
      return;
    }
    if (out_.files.size() >= limits_.file_limit) {
      return full("more than " + std::to_string(limits_.file_limit) + " files", path, shown);
    }
    if (const auto size = static_cast<size_t>(info.st_size); size <= limits_.size_bytes) {
      size_bytes_ += size;
    }
    if (size_bytes_ > limits_.total_size_bytes) {
      return full("more than " + std::to_string(limits_.total_size_bytes) + " bytes in all files",
                  path, shown);
    }
    watch_target(path);
    out_.files.push_back({path, shown, sys::FileStamp::of(info)});
  }

  // A link's folder does not tell when the file it leads to changes.
  void watch_target(const std::string& path) {
    std::error_code error;
    if (fs::is_symlink(path, error)) {
      const fs::path target = fs::canonical(path, error);
      if (!error) {
        on_folder_(target.parent_path().string());
      }
    }
  }

  // Past a bound nothing is known any more: said once, and nothing is removed anywhere.
  void full(const std::string& what, const std::string& path, const std::string& shown) {
    out_.unknown.push_back(path);
    if (!std::exchange(full_, true)) {
      problem("/", shown, what + ": this one and those after it are not read");
    }
  }

  void problem(const std::string& unknown, const std::string& shown, const std::string& message) {
    object::Problem problem;
    problem.file = shown;
    problem.message = message;
    out_.problems.push_back(std::move(problem));
    if (!unknown.empty()) {
      out_.unknown.push_back(unknown);
    }
  }

  const ScanLimits limits_;
  const std::function<void(const std::string&)>& on_folder_;
  ManifestFiles out_;
  std::set<std::pair<uint64_t, uint64_t>> folders_;
  std::set<std::pair<uint64_t, uint64_t>> seen_;
  size_t size_bytes_ = 0;
  bool full_ = false;
};

}  // namespace

ManifestFiles scan_manifest_files(const std::vector<std::string>& paths, const ScanLimits& limits,
                                  const std::function<void(const std::string&)>& on_folder) {
  Scan scan(limits, on_folder);
  for (const std::string& path : paths) {
    scan.add_root(path);
  }
  return scan.finish();
}

bool is_below(const std::string& path, const std::vector<std::string>& roots) {
  return std::any_of(roots.begin(), roots.end(), [&](const std::string& root) {
    return path == root || root == "/" || path.starts_with(root + "/");
  });
}

}  // namespace duet::source
