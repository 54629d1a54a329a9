#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "object/manifest.h"
#include "sys/file_stamp.h"

namespace duet::source {

struct ManifestFile {
  std::string path;   // absolute
  std::string shown;  // as a person named it
  sys::FileStamp stamp;
};

struct ManifestFiles {
  std::vector<ManifestFile> files;  // in the order of the paths, then by name; each file once
  std::vector<object::Problem> problems;
  // Absolute paths of which nothing is known: what came from there, or from below, must stay.
  std::vector<std::string> unknown;
};

struct ScanLimits {
  size_t file_limit = 0;
  size_t total_size_bytes = 0;
  size_t depth_limit = 0;
  size_t size_bytes = 0;  // of one file; a larger one is listed, and will not be read
};

// Lists the manifests at `paths`. Calls `on_folder` with each folder whose changes matter before it
// is listed. Never fails as a whole.
ManifestFiles scan_manifest_files(const std::vector<std::string>& paths, const ScanLimits& limits,
                                  const std::function<void(const std::string&)>& on_folder);

// True if `path` is one of `roots` or below one.
bool is_below(const std::string& path, const std::vector<std::string>& roots);

}  // namespace duet::source
