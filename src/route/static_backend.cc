#include "route/static_backend.h"

#include <algorithm>

#include "object/annotations.h"
#include "route/annotation_value.h"

namespace duet::route {

namespace {

gateway::BackendConfig missing(const std::string& name) {
  return {name, gateway::StaticBackend{.status = 503, .reason = "StaticFilesNotFound"}};
}

StaticBackendOfService of_config_map(const std::string& name, const object::Service& service,
                                     const std::string& map_name, const SiteObjects& site) {
  const auto& maps = site.config_maps;
  const auto map = std::find_if(maps.begin(), maps.end(), [&](const object::ConfigMap& one) {
    return one.meta.ns == service.meta.ns && one.meta.name == map_name;
  });
  if (map == maps.end()) {
    return {missing(name), "configmap " + service.meta.ns + "/" + map_name + " does not exist"};
  }
  return {{name, gateway::FilesBackend{.folder = folder_of_config_map(site.folders, map->meta)}},
          {}};
}

StaticBackendOfService of_folder(const std::string& name, const std::string& text,
                                 const SiteObjects& site) {
  const auto folder = object::parse_static_folder(text);
  if (!folder.ok()) {
    return {missing(name), "duet.edge/static-files: \"" + text + "\" " + folder.error().message()};
  }
  const auto root = site.folders.roots.find(folder->root);
  if (root == site.folders.roots.end()) {
    return {missing(name),
            "duet.edge/static-files: gateway.staticRoots of the node names no folder \"" +
                folder->root + "\", or it is not there"};
  }
  return {{name, gateway::FilesBackend{.folder = root->second, .path = folder->path}}, {}};
}

}  // namespace

std::optional<StaticBackendOfService> find_static_backend(const object::Service& service,
                                                          const SiteObjects& site) {
  const object::StringMap& annotations = service.meta.annotations;
  const std::string name = "files/" + service.meta.ns + "/" + service.meta.name;
  if (const std::string* map = find_annotation_text(annotations, "static-configmap")) {
    return of_config_map(name, service, *map, site);
  }
  if (const std::string* folder = find_annotation_text(annotations, "static-files")) {
    return of_folder(name, *folder, site);
  }
  return std::nullopt;
}

}  // namespace duet::route
