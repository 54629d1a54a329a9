#include "route/static_folders.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <set>

#include "sys/file.h"

namespace duet::route {

namespace {

std::set<std::string> served_folders(const gateway::RouteTable& table) {
  std::set<std::string> folders;
  for (const auto& backend : table.backends) {
    if (const auto* files = std::get_if<gateway::FilesBackend>(&backend.kind)) {
      folders.insert(files->folder);
    }
  }
  return folders;
}

// As a whole, or not at all: a folder that has its name is complete.
Status write_config_map(const std::string& folder, const object::ConfigMap& map) {
  const std::string unfinished = folder + ".new";
  DUET_TRY(sys::remove_tree(unfinished));
  DUET_TRY(sys::make_directories(unfinished, 0755));
  for (const auto* data : {&map.data, &map.binary_data}) {
    for (const auto& [name, content] : *data) {
      DUET_TRY(sys::write_file_atomic(unfinished + "/" + name, content, 0644));
    }
  }
  if (std::rename(unfinished.c_str(), folder.c_str()) != 0) {
    return Error::from_errno("rename " + unfinished, errno);
  }
  return {};
}

}  // namespace

std::string folder_of_config_map(const StaticFolders& folders, const object::Meta& meta) {
  return folders.config_maps + "/" + meta.uid + "-" + std::to_string(meta.resource_version);
}

Status write_config_maps(const StaticFolders& folders,
                         const std::vector<object::ConfigMap>& config_maps,
                         const gateway::RouteTable& table) {
  const std::set<std::string> served = served_folders(table);
  for (const auto& map : config_maps) {
    const std::string folder = folder_of_config_map(folders, map.meta);
    if (served.contains(folder) && !sys::file_exists(folder)) {
      DUET_TRY(write_config_map(folder, map));
    }
  }
  return {};
}

Status remove_unused_config_maps(const StaticFolders& folders, const gateway::RouteTable& table) {
  const std::set<std::string> served = served_folders(table);
  DUET_ASSIGN(const auto names, sys::list_directory(folders.config_maps));
  for (const std::string& name : names) {
    const std::string folder = folders.config_maps + "/" + name;
    if (!served.contains(folder)) {
      DUET_TRY(sys::remove_tree(folder));
    }
  }
  return {};
}

}  // namespace duet::route
