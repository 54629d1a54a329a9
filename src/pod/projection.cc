#include "pod/projection.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "sys/file.h"

namespace duet::pod {

namespace {

constexpr const char* kDataLink = "..data";
constexpr const char* kVersionPrefix = "..version_";

// Every file below `folder`/`prefix`, as paths relative to `folder`.
void collect(const std::string& folder, const std::string& prefix, std::vector<std::string>& out) {
  const auto names = sys::list_directory(folder + "/" + prefix);
  if (!names.ok()) {
    return;
  }
  for (const auto& name : *names) {
    const std::string path = prefix.empty() ? name : prefix + "/" + name;
    struct stat info{};
    if (::lstat((folder + "/" + path).c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
      collect(folder, path, out);
    } else {
      out.push_back(path);
    }
  }
}

int mode_of(const ProjectedFile& file, const std::optional<int64_t>& group) {
  return group ? file.mode | 0040 : file.mode;
}

bool same_on_disk(const std::string& folder, const ProjectedFiles& files,
                  const std::optional<int64_t>& group) {
  std::vector<std::string> present;
  collect(folder, "", present);
  if (!sys::file_exists(folder) || present.size() != files.size()) {
    return false;
  }
  return std::all_of(files.begin(), files.end(), [&](const auto& entry) {
    const std::string whole = folder + "/" + entry.first;
    const auto content = sys::read_file(whole, entry.second.content.size());
    struct stat info{};
    return content.ok() && *content == entry.second.content && ::stat(whole.c_str(), &info) == 0 &&
           static_cast<int>(info.st_mode & 07777) == mode_of(entry.second, group);
  });
}

Status write_files(const std::string& folder, const ProjectedFiles& files,
                   const std::optional<int64_t>& group) {
  for (const auto& [path, file] : files) {
    if (!path_is_safe(path)) {
      return invalid("path \"" + path + "\" leads out of the volume");
    }
    const std::string whole = folder + "/" + path;
    DUET_TRY(sys::make_directories(whole.substr(0, whole.rfind('/'))));
    DUET_TRY(sys::write_file(whole, file.content, 0600));
    if (group && ::chown(whole.c_str(), static_cast<uid_t>(-1), static_cast<gid_t>(*group)) != 0) {
      return Error::from_errno("chown " + whole, errno);
    }
    if (::chmod(whole.c_str(), static_cast<mode_t>(mode_of(file, group))) != 0) {
      return Error::from_errno("chmod " + whole, errno);
    }
  }
  return {};
}

Status replace_link(const std::string& target, const std::string& link) {
  const std::string next = link + ".next";
  ::unlink(next.c_str());
  if (::symlink(target.c_str(), next.c_str()) != 0 || ::rename(next.c_str(), link.c_str()) != 0) {
    return Error::from_errno("link " + link, errno);
  }
  return {};
}

Status link_names(const std::string& volume, const ProjectedFiles& files) {
  std::vector<std::string> names;
  for (const auto& [path, file] : files) {
    names.push_back(path.substr(0, path.find('/')));
  }
  for (const auto& name : names) {
    if (!sys::file_exists(volume + "/" + name)) {
      DUET_TRY(replace_link(std::string(kDataLink) + "/" + name, volume + "/" + name));
    }
  }
  DUET_ASSIGN(const auto present, sys::list_directory(volume));
  for (const auto& name : present) {
    if (!name.starts_with("..") && std::find(names.begin(), names.end(), name) == names.end()) {
      ::unlink((volume + "/" + name).c_str());
    }
  }
  return {};
}

Status remove_old_versions(const std::string& volume, const std::string& current) {
  DUET_ASSIGN(const auto names, sys::list_directory(volume));
  for (const auto& name : names) {
    if (name.starts_with(kVersionPrefix) && name != current) {
      DUET_TRY(sys::remove_tree(volume + "/" + name));
    }
  }
  return {};
}

}  // namespace

bool path_is_safe(const std::string& path) {
  return !path.empty() && path.front() != '/' && path != ".." && !path.starts_with("../") &&
         path.find("/../") == std::string::npos && !path.ends_with("/..");
}

Result<ProjectedFiles> project(const object::StringMap& data,
                               const object::ProjectionSource& source, int mode) {
  ProjectedFiles files;
  for (const auto& item : source.items) {
    const auto entry = data.find(item.key);
    if (entry == data.end() && !source.optional) {
      return not_found("references non-existent config key: " + item.key);
    }
    if (entry != data.end()) {
      files[item.path] = {entry->second, item.mode.value_or(mode)};
    }
  }
  if (source.items.empty()) {
    for (const auto& [key, value] : data) {
      files[key] = {value, mode};
    }
  }
  return files;
}

Status check_bounds(const ProjectedFiles& files, const ProjectionBounds& bounds) {
  size_t total = 0;
  for (const auto& [path, file] : files) {
    total += file.content.size();
  }
  if (files.size() > bounds.file_limit || total > bounds.size_bytes) {
    return Error(ErrorCode::kExhausted, "more than " + std::to_string(bounds.file_limit) +
                                            " files or " + std::to_string(bounds.size_bytes) +
                                            " bytes");
  }
  return {};
}

Status publish(const std::string& volume, const ProjectedFiles& files,
               const std::optional<int64_t>& group) {
  const std::string link = volume + "/" + kDataLink;
  if (same_on_disk(link, files, group)) {
    return {};
  }
  DUET_ASSIGN(const std::string folder, sys::make_temporary_directory(volume, kVersionPrefix));
  if (::chmod(folder.c_str(), 0755) != 0) {
    return Error::from_errno("chmod " + folder, errno);
  }
  DUET_TRY(write_files(folder, files, group));
  const std::string name = folder.substr(folder.rfind('/') + 1);
  DUET_TRY(replace_link(name, link));
  DUET_TRY(link_names(volume, files));
  return remove_old_versions(volume, name);
}

}  // namespace duet::pod
