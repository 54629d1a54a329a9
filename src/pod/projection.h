#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "object/pod.h"

// ConfigMaps and Secrets as files that change all at once.
namespace duet::pod {

struct ProjectedFile {
  std::string content;
  int mode = 0644;
};
using ProjectedFiles = std::map<std::string, ProjectedFile>;  // by path in the volume

struct ProjectionBounds {
  size_t file_limit = 1'000;    // files of one volume
  size_t size_bytes = 4 << 20;  // of all of them
};

// The files of `source` from `data`: its items, or every key. kNotFound names a missing key. `mode`
// is of files that do not have their own.
Result<ProjectedFiles> project(const object::StringMap& data,
                               const object::ProjectionSource& source, int mode);

// kExhausted: the files of a volume are more than it may have.
Status check_bounds(const ProjectedFiles& files, const ProjectionBounds& bounds);

// Makes the folder `volume` show exactly `files`: written to a new folder, then shown by one rename
// of the link "..data", through which every visible name leads, as the kubelet does it. Writes
// nothing when they are there already. Files get the group `group` and its right to read. Not
// thread-safe for one folder.
Status publish(const std::string& volume, const ProjectedFiles& files,
               const std::optional<int64_t>& group);

// Whether `path` stays inside of the folder that it is relative to.
bool path_is_safe(const std::string& path);

}  // namespace duet::pod
