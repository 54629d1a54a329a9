#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "gateway/config.h"
#include "object/kinds.h"

// Where the files of static Services are.
namespace duet::route {

struct StaticFolders {
  std::map<std::string, std::string> roots;  // gateway.staticRoots: name to path
  std::string config_maps;                   // a folder of duet's own
};

// The folder of a ConfigMap's files: another one with each change of the ConfigMap, so that a
// request never meets a half of two. Pure.
std::string folder_of_config_map(const StaticFolders& folders, const object::Meta& meta);

// Writes the ConfigMaps whose folders `table` serves and that are not there yet, readable for
// everybody.
Status write_config_maps(const StaticFolders& folders,
                         const std::vector<object::ConfigMap>& config_maps,
                         const gateway::RouteTable& table);

// Removes the folders of ConfigMaps that `table` does not serve.
Status remove_unused_config_maps(const StaticFolders& folders, const gateway::RouteTable& table);

}  // namespace duet::route
