#include "route/static_folders.h"

#include <gtest/gtest.h>

#include "route/static_backend.h"
#include "route/table_builder.h"
#include "sys/file.h"

namespace duet::route {
namespace {

object::Service static_service(const std::string& annotation, const std::string& value) {
  object::Service service;
  service.meta = {.name = "site", .ns = "default"};
  service.meta.annotations = {{"duet.edge/" + annotation, value}};
  service.ports = {{.port = 80, .target_port = "80"}};
  return service;
}

object::ConfigMap pages(std::int64_t version) {
  object::ConfigMap map;
  map.meta = {.name = "pages", .ns = "default", .uid = "u", .resource_version = version};
  map.data = {{"index.html", "<p>" + std::to_string(version)}};
  map.binary_data = {{"logo.png", std::string("\x89\0P", 3)}};
  return map;
}

SiteObjects site_of(object::Service service) {
  SiteObjects site;
  site.folders = {.roots = {{"www", "/srv/www"}}, .config_maps = "/run/duet/static"};
  site.config_maps = {pages(7)};
  site.services = {std::move(service)};
  object::HttpRoute route;
  route.meta = {.name = "r", .ns = "default"};
  object::HttpRouteRule rule;
  rule.backends = {{.service = "site", .port = 80}};
  route.rules = {rule};
  site.http_routes = {route, route};
  return site;
}

TEST(StaticBackend, IsWhatTheServicesAnnotationSays) {
  const auto built = build_table(site_of(static_service("static-files", "www/shop")));
  EXPECT_TRUE(built.problems.empty());
  ASSERT_EQ(built.table.backends.size(), 1U);
  EXPECT_EQ(built.table.backends[0].name, "files/default/site");
  EXPECT_EQ(std::get<gateway::FilesBackend>(built.table.backends[0].kind),
            (gateway::FilesBackend{.folder = "/srv/www", .path = "shop"}));
  EXPECT_EQ(built.table.routes[0].rules[0].backends[0].backend, "files/default/site");
  const auto map = build_table(site_of(static_service("static-configmap", "pages")));
  EXPECT_EQ(std::get<gateway::FilesBackend>(map.table.backends.at(0).kind).folder,
            "/run/duet/static/u-7");
}

TEST(StaticBackend, WhatIsMissingIsAProblemOfTheService) {
  for (const auto& [annotation, value] : std::vector<std::pair<std::string, std::string>>{
           {"static-files", "other"}, {"static-files", "../x"}, {"static-configmap", "other"}}) {
    const auto built = build_table(site_of(static_service(annotation, value)));
    ASSERT_EQ(built.problems.size(), 1U) << value;
    EXPECT_EQ(built.problems[0].about.kind, object::Kind::kService);
    EXPECT_EQ(built.problems[0].reason, "StaticFilesNotFound");
    EXPECT_EQ(std::get<gateway::StaticBackend>(built.table.backends.at(0).kind).status, 503);
  }
  EXPECT_FALSE(find_static_backend(static_service("other", "x"), {}));
}

TEST(StaticFolders, ConfigMapsAreWrittenOnceAndRemovedWhenNobodyServesThem) {
  const std::string root = sys::make_temporary_directory("/tmp", "duet-static-").value();
  const StaticFolders folders{.config_maps = root};
  const auto table_of = [&](const object::ConfigMap& map) {
    gateway::RouteTable table;
    table.backends = {
        {"files", gateway::FilesBackend{.folder = folder_of_config_map(folders, map.meta)}}};
    return table;
  };
  const auto old_table = table_of(pages(7));
  ASSERT_TRUE(write_config_maps(folders, {pages(7)}, old_table).ok());
  EXPECT_EQ(*sys::read_file(root + "/u-7/index.html", 100), "<p>7");
  EXPECT_EQ(*sys::read_file(root + "/u-7/logo.png", 100), std::string("\x89\0P", 3));
  ASSERT_TRUE(write_config_maps(folders, {pages(8)}, old_table).ok());
  EXPECT_FALSE(sys::file_exists(root + "/u-8"));  // nobody serves it
  const auto new_table = table_of(pages(8));
  ASSERT_TRUE(write_config_maps(folders, {pages(8)}, new_table).ok());
  ASSERT_TRUE(remove_unused_config_maps(folders, new_table).ok());
  EXPECT_FALSE(sys::file_exists(root + "/u-7"));
  EXPECT_EQ(*sys::read_file(root + "/u-8/index.html", 100), "<p>8");
  EXPECT_TRUE(sys::remove_tree(root).ok());
}

}  // namespace
}  // namespace duet::route
