#include <gtest/gtest.h>

#include <cstdint>

#include "route/site_for_test.h"

namespace duet::route {
namespace {

TEST(BuildTable, ARoutesAnnotationsAreItsPolicy) {
  SiteObjects site;
  site.defaults.request_bytes = 5;
  site.services = {service("web")};
  site.http_routes = {route_to("plain", {{.service = "web", .port = 80}}),
                      route_to("small", {{.service = "web", .port = 80}})};
  site.http_routes[1].meta.annotations = {{"duet.edge/max-request-bytes", "1Ki"}};
  object::Ingress ingress;
  ingress.meta = {.name = "wrong", .ns = "default"};
  ingress.meta.annotations = {{"duet.edge/max-request-bytes", "x"}};
  ingress.default_backend = object::IngressBackend{.service = "web", .port_number = 80};
  site.ingresses = {ingress};
  const auto built = build_table(site);
  ASSERT_EQ(built.table.routes.size(), 3U);
  EXPECT_EQ(built.table.routes[0].policy.request_bytes, 5);
  EXPECT_EQ(built.table.routes[1].policy.request_bytes, 1024);
  EXPECT_EQ(built.table.routes[2].policy.request_bytes, 5);
  ASSERT_EQ(built.problems.size(), 1U);
  EXPECT_EQ(built.problems[0].reason, "InvalidAnnotation");
  EXPECT_EQ(built.problems[0].about.name, "wrong");
}

TEST(BuildTable, MissingServicesAnswerAsTheirSpecificationsSay) {
  SiteObjects site;
  site.http_routes = {route_to("r", {{.service = "none", .port = 80}})};
  object::Ingress ingress;
  ingress.meta.name = "i";
  ingress.meta.ns = "default";
  ingress.rules = {{.host = "shop.example",
                    .paths = {{.path = "/",
                               .path_type = "Prefix",
                               .backend = {.service = "none", .port_number = 80}}}}};
  site.ingresses = {ingress};
  const auto built = build_table(site);
  ASSERT_EQ(built.problems.size(), 2U);
  EXPECT_EQ(built.problems[0].message, "service default/none does not exist");
  EXPECT_EQ(std::get<gateway::StaticBackend>(find(built.table, "missing/500")->kind).status, 500);
  EXPECT_EQ(std::get<gateway::StaticBackend>(find(built.table, "missing/503")->kind).status, 503);
  EXPECT_EQ(built.table.routes.at(1).hostnames, std::vector<std::string>{"shop.example"});
}

TEST(BuildTable, OlderRoutesComeFirstAndDefaultBackendsLast) {
  SiteObjects site;
  site.services = {service("api")};
  site.http_routes = {route_to("young", {{.service = "api", .port = 80}}),
                      route_to("old", {{.service = "api", .port = 80}})};
  site.http_routes[0].meta.creation_timestamp = "2026-02-01T00:00:00Z";
  site.http_routes[1].meta.creation_timestamp = "2026-01-01T00:00:00Z";
  object::Ingress ingress;
  ingress.meta.name = "i";
  ingress.meta.ns = "default";
  ingress.default_backend = object::IngressBackend{.service = "api", .port_name = "web"};
  site.ingresses = {ingress};
  const auto built = build_table(site);
  ASSERT_EQ(built.table.routes.size(), 3U);
  EXPECT_EQ(built.table.routes[0].name, "HTTPRoute default/old");
  EXPECT_EQ(built.table.routes[2].name, "Ingress default/i");
  EXPECT_TRUE(built.table.routes[2].hostnames.empty());
}

TEST(BuildTable, FiltersAreCarriedOver) {
  SiteObjects site;
  auto route = route_to("r", {});
  object::HttpRouteFilter redirect;
  redirect.type = object::HttpRouteFilter::Type::kRequestRedirect;
  redirect.redirect.scheme = "https";
  redirect.redirect.status_code = 301;
  route.rules[0].filters = {redirect};
  route.rules[0].request_timeout = "1m30s";
  site.http_routes = {route};
  const auto built = build_table(site);
  const auto& rule = built.table.routes.at(0).rules.at(0);
  ASSERT_TRUE(rule.filters.redirect.has_value());
  EXPECT_EQ(rule.filters.redirect->scheme, "https");
  EXPECT_EQ(rule.filters.redirect->status, 301);
  EXPECT_EQ(rule.request_timeout_ms, 90'000);
}

object::HttpRouteFilter extension(const std::string& service) {
  object::HttpRouteFilter filter;
  filter.type = object::HttpRouteFilter::Type::kExtensionRef;
  filter.service = service;
  return filter;
}

TEST(BuildTable, HandlersStandBeforeBackends) {
  SiteObjects site;
  site.services = {service("auth"), service("api")};
  site.pods = {ready_pod("f", "auth"), ready_pod("a", "api", "10.88.0.2")};
  site.handlers = {handler(site.pods[0])};
  auto route = route_to("r", {{.service = "api", .port = 80}});
  route.rules[0].filters = {extension("auth")};
  route.rules[0].backends[0].filters = {extension("auth")};
  site.http_routes = {route};
  const auto built = build_table(site);
  EXPECT_TRUE(built.problems.empty());
  const auto& rule = built.table.routes.at(0).rules.at(0);
  const std::vector<std::string> expected = {"handler/default/f/main"};
  EXPECT_EQ(rule.filters.handlers, expected);
  EXPECT_EQ(rule.backends.at(0).filters.handlers, expected);
  EXPECT_NE(find(built.table, "handler/default/f/main"), nullptr);
}

TEST(BuildTable, AFilterIsNeverPassedOver) {
  SiteObjects site;
  site.services = {service("api"), service("starting")};
  site.pods = {ready_pod("a", "api", "10.88.0.2")};
  auto route = route_to("r", {{.service = "api", .port = 80}});
  route.rules[0].filters = {extension("none"), extension("api"), extension("starting")};
  site.http_routes = {route};
  const auto built = build_table(site);
  ASSERT_EQ(built.problems.size(), 2U);
  EXPECT_EQ(built.problems[0].reason, "FilterNotFound");
  EXPECT_EQ(built.problems[0].message, "the filter's service default/none does not exist");
  EXPECT_NE(built.problems[1].message.find("only a handler can be a filter"), std::string::npos);
  const std::vector<std::string> expected = {"filter/missing", "filter/missing", "filter/none"};
  EXPECT_EQ(built.table.routes.at(0).rules.at(0).filters.handlers, expected);
  const auto answer = [&](const char* name) {
    return std::get<gateway::StaticBackend>(find(built.table, name)->kind);
  };
  EXPECT_EQ(answer("filter/missing").status, 500);
  EXPECT_EQ(answer("filter/none").status, 503);
}

// A handler whose pod has an address of its own, in a network of that number.
pod::HandlerInstance addressed(const object::Pod& pod, std::uint64_t network) {
  auto one = handler(pod);
  one.network = pod::PodNetwork{"10.42.0.7", "/run/" + std::to_string(network), network};
  return one;
}

TEST(BuildTable, AHandlerHasARouteFromItsPodsAddress) {
  SiteObjects site;
  site.pods = {ready_pod("a", "web"), ready_pod("b", "web")};
  site.handlers = {addressed(site.pods[0], 7), handler(site.pods[1])};
  site.defaults.request_bytes = 77;
  const BuiltTable built = build_table(site);
  ASSERT_EQ(built.pod_listeners.size(), 1U);
  EXPECT_EQ(built.pod_listeners[0].listener.address, "10.42.0.7:8080");
  ASSERT_EQ(built.table.routes.size(), 1U);
  const gateway::Route& route = built.table.routes[0];
  EXPECT_EQ(route.name, "Pod default/a");
  EXPECT_EQ(route.listeners, std::vector<std::string>{built.pod_listeners[0].listener.name});
  EXPECT_EQ(route.policy.request_bytes, 77);
  ASSERT_EQ(route.rules.size(), 1U);
  EXPECT_EQ(route.rules[0].backends[0].backend, "handler/default/a/main");
  EXPECT_NE(find(built.table, "handler/default/a/main"), nullptr);
  EXPECT_TRUE(built.problems.empty());
}

TEST(BuildTable, APodsPortIsOpenedOnce) {
  SiteObjects site;
  site.pods = {ready_pod("a", "web")};
  site.handlers = {addressed(site.pods[0], 7), addressed(site.pods[0], 7)};
  site.handlers[1].container = "other";
  const BuiltTable built = build_table(site);
  EXPECT_EQ(built.pod_listeners.size(), 1U);
  EXPECT_EQ(built.table.routes.size(), 1U);
  ASSERT_EQ(built.problems.size(), 1U);
  EXPECT_EQ(built.problems[0].reason, "PodPortTaken");
  EXPECT_EQ(built.problems[0].uid, "uid-a");
}

TEST(BuildTable, PodsPortsAreBounded) {
  SiteObjects site;
  site.pods = {ready_pod("a", "web")};
  site.handlers = {addressed(site.pods[0], 7), addressed(site.pods[0], 8)};
  auto& ports = site.handlers[0].ports;
  ports.clear();
  for (int port = 1; port <= static_cast<int>(kPodListenerLimit); ++port) {
    ports.push_back({.container_port = port});
  }
  const BuiltTable built = build_table(site);
  EXPECT_EQ(built.pod_listeners.size(), kPodListenerLimit);
  ASSERT_EQ(built.problems.size(), 1U);
  EXPECT_EQ(built.problems[0].reason, "TooManyPodPorts");
}

TEST(BuildTable, AFilterIsAHandlerOfThisNode) {
  SiteObjects site;
  site.services = {service("auth")};
  object::EndpointSlice slice;
  slice.meta.ns = "default";
  slice.service = "auth";
  slice.address_type = "IPv4";
  slice.endpoints = {{.address = "10.2.0.1"}};
  slice.ports = {{.name = "web", .port = 8080}};
  site.endpoint_slices = {slice};
  auto route = route_to("r", {});
  route.rules[0].filters = {extension("auth")};
  site.http_routes = {route};
  const auto built = build_table(site);
  EXPECT_TRUE(built.problems.empty());
  const std::vector<std::string> expected = {"filter/none"};
  EXPECT_EQ(built.table.routes.at(0).rules.at(0).filters.handlers, expected);
}

}  // namespace
}  // namespace duet::route
