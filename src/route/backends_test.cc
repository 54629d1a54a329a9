#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "route/site_for_test.h"

namespace duet::route {
namespace {

TEST(Backends, AServiceSaysHowItsContainersAreAsked) {
  SiteObjects site;
  site.services = {service("web")};
  site.services[0].meta.annotations = {{"duet.edge/idle-timeout", "5m"},
                                       {"duet.edge/max-retries", "many"}};
  site.pods = {ready_pod("w", "web", "10.0.0.1")};
  site.http_routes = {route_to("one", {{.service = "web", .port = 80}}),
                      route_to("two", {{.service = "web", .port = 80}})};
  const BuiltTable built = build_table(site);
  const auto* backend = find(built.table, "service/default/web:80");
  ASSERT_NE(backend, nullptr);
  EXPECT_EQ(std::get<gateway::ProxyBackend>(backend->kind).idle_timeout_ms, 300'000);
  ASSERT_EQ(built.problems.size(), 1U);
  EXPECT_EQ(built.problems[0].about, (object::ObjectKey{object::Kind::kService, "default", "web"}));
  EXPECT_EQ(built.problems[0].reason, "InvalidAnnotation");
}

TEST(Backends, AuthorizationIsPassedToWagiHandlersThatWantIt) {
  SiteObjects site;
  site.services = {service("web")};
  site.pods = {ready_pod("w", "web"), ready_pod("v", "web")};
  site.handlers = {handler(site.pods[0]), handler(site.pods[1])};
  site.handlers[0].use = engine::Use::kWagi;
  for (auto& one : site.handlers) {
    one.annotations = {{"duet.edge/wagi-authorization", "pass"}};
  }
  site.http_routes = {route_to("r", {{.service = "web", .port = 80}})};
  const BuiltTable built = build_table(site);
  const auto passes = [&](const std::string& name) {
    return std::get<gateway::HandlerBackend>(find(built.table, name)->kind).passes_authorization;
  };
  EXPECT_TRUE(passes("handler/default/w/main"));
  EXPECT_FALSE(passes("handler/default/v/main"));
  ASSERT_EQ(built.problems.size(), 1U);
  EXPECT_EQ(built.problems[0].about.name, "v");
}

TEST(Backends, WagiHandlersAreToldAndNoFilters) {
  SiteObjects site;
  site.services = {service("web")};
  site.pods = {ready_pod("w", "web")};
  site.handlers = {handler(site.pods[0])};
  site.handlers[0].use = engine::Use::kWagi;
  site.handlers[0].annotations = {{"duet.edge/allow-outbound", "http://api"}};
  object::HttpRoute route = route_to("r", {{.service = "web", .port = 80}});
  object::HttpRouteFilter filter;
  filter.type = object::HttpRouteFilter::Type::kExtensionRef;
  filter.service = "web";
  route.rules[0].filters = {filter};
  site.http_routes = {route};
  const auto built = build_table(site);
  const auto* backend = find(built.table, "handler/default/w/main");
  ASSERT_NE(backend, nullptr);
  EXPECT_EQ(std::get<gateway::HandlerBackend>(backend->kind).use, engine::Use::kWagi);
  EXPECT_TRUE(std::get<gateway::HandlerBackend>(backend->kind).allow_outbound.empty());
  const std::vector<std::string> expected = {"filter/missing"};
  EXPECT_EQ(built.table.routes.at(0).rules.at(0).filters.handlers, expected);
  ASSERT_EQ(built.problems.size(), 2U);
  EXPECT_EQ(built.problems[0].reason, "FilterNotFound");
  EXPECT_NE(built.problems[0].message.find("cannot pass requests on"), std::string::npos);
  EXPECT_NE(built.problems[1].message.find("allow-outbound: without effect"), std::string::npos);
}

TEST(Backends, AServicesPodsBecomeItsEndpoints) {
  SiteObjects site;
  site.services = {service("api")};
  site.pods = {ready_pod("a", "api", "10.88.0.2"), ready_pod("b", "api", "10.88.0.3"),
               ready_pod("other", "else", "10.88.0.4")};
  site.pods.push_back(ready_pod("late", "api", "10.88.0.5"));
  site.pods.back().status.conditions[0].status = "False";
  site.http_routes = {route_to("r", {{.service = "api", .port = 80}})};
  const auto built = build_table(site);
  EXPECT_TRUE(built.problems.empty());
  const auto* backend = find(built.table, "service/default/api:80");
  ASSERT_NE(backend, nullptr);
  const std::vector<gateway::Endpoint> expected = {{"10.88.0.2", 8080}, {"10.88.0.3", 8080}};
  EXPECT_EQ(std::get<gateway::ProxyBackend>(backend->kind).endpoints, expected);
  ASSERT_EQ(built.table.services.size(), 1U);
  EXPECT_EQ(built.table.services[0].name, "api");
}

TEST(Backends, EndpointSlicesLeadToPodsOfOtherNodes) {
  SiteObjects site;
  site.services = {service("api")};
  site.pods = {ready_pod("a", "api")};
  site.handlers = {handler(site.pods[0])};
  object::EndpointSlice slice;
  slice.meta.ns = "default";
  slice.service = "api";
  slice.address_type = "IPv4";
  slice.endpoints = {{.address = "10.2.0.1"}, {.address = "10.2.0.2"}};
  slice.ports = {{.name = "web", .port = 8080}};
  site.endpoint_slices = {slice};
  site.http_routes = {route_to("r", {{.service = "api", .port = 80}})};
  const auto built = build_table(site);
  const std::vector<gateway::Endpoint> expected = {{"10.2.0.1", 8080}, {"10.2.0.2", 8080}};
  EXPECT_EQ(
      std::get<gateway::ProxyBackend>(find(built.table, "service/default/api:80")->kind).endpoints,
      expected);
  const auto& backends = built.table.routes.at(0).rules.at(0).backends;
  ASSERT_EQ(backends.size(), 2U);
  EXPECT_EQ(backends[0].backend, "handler/default/a/main");
  EXPECT_EQ(backends[1].weight / backends[0].weight, 2U);
}

TEST(Backends, PortsThatAreNotOfTcpAreNoBackends) {
  SiteObjects site;
  site.services = {service("dns")};
  site.services[0].ports = {{.name = "u", .port = 53, .target_port = "53", .protocol = "UDP"},
                            {.name = "t", .port = 53, .target_port = "53"}};
  site.pods = {ready_pod("a", "dns", "10.1.0.1")};
  object::Ingress ingress;
  ingress.meta = {.name = "i", .ns = "default"};
  ingress.default_backend = object::IngressBackend{.service = "dns", .port_name = "u"};
  site.ingresses = {ingress};
  const auto built = build_table(site);
  EXPECT_EQ(built.table.services.size(), 1U);
  ASSERT_EQ(built.problems.size(), 1U);
  EXPECT_EQ(built.problems[0].message, "service default/dns has no port u");
}

TEST(Backends, APortsApplicationProtocolMakesHttp2) {
  SiteObjects site;
  site.services = {service("api"), service("plain")};
  site.services[0].ports[0].app_protocol = "kubernetes.io/h2c";
  site.services[1].ports[0].app_protocol = "http";
  site.http_routes = {
      route_to("r", {{.service = "api", .port = 80}, {.service = "plain", .port = 80}})};
  const auto built = build_table(site);
  const auto http2 = [&built](const std::string& name) {
    return std::get<gateway::ProxyBackend>(find(built.table, name)->kind).http2;
  };
  EXPECT_TRUE(http2("service/default/api:80"));
  EXPECT_FALSE(http2("service/default/plain:80"));
}

// A route whose handlers' sandboxes are used again has them for itself.
TEST(Backends, ReuseIsARoutesOwn) {
  SiteObjects site;
  site.services = {service("web")};
  site.pods = {ready_pod("w", "web")};
  site.handlers = {handler(site.pods[0])};
  site.handlers[0].asynchronous = true;
  object::HttpRoute again = route_to("again", {{.service = "web", .port = 80}});
  again.meta.annotations = {{"duet.edge/instance-reuse", "100"},
                            {"duet.edge/instance-concurrency", "4"}};
  site.http_routes = {route_to("fresh", {{.service = "web", .port = 80}}), again};
  const auto built = build_table(site);
  EXPECT_TRUE(built.problems.empty());
  const auto reuse_of = [&](const std::string& name) {
    const auto* backend = find(built.table, name);
    EXPECT_NE(backend, nullptr) << name;
    return backend == nullptr ? gateway::InstanceReuse{.requests = -1}
                              : std::get<gateway::HandlerBackend>(backend->kind).reuse;
  };
  EXPECT_EQ(reuse_of("handler/default/w/main"), gateway::InstanceReuse());
  EXPECT_EQ(reuse_of("handler/default/w/main#HTTPRoute/default/again"),
            (gateway::InstanceReuse{.requests = 100, .concurrency = 4}));
  ASSERT_EQ(built.table.services.size(), 1U);
  EXPECT_EQ(built.table.services[0].backend, "handler/default/w/main");

  site.handlers[0].annotations = {{"duet.edge/cpu-time", "much"}};
  EXPECT_EQ(build_table(site).problems.size(), 1U) << "of the pod, though two backends are its";

  site.handlers[0].annotations.clear();
  site.handlers[0].asynchronous = false;
  const auto told = build_table(site);
  EXPECT_EQ(told.table.backends.size(), 1U);
  ASSERT_EQ(told.problems.size(), 1U);
  EXPECT_EQ(told.problems[0].about.name, "again");
  EXPECT_NE(told.problems[0].message.find("instance-reuse: without effect"), std::string::npos);
}

TEST(Backends, HandlersAreWeighedByTheirNumber) {
  SiteObjects site;
  site.services = {service("web"), service("api")};
  site.pods = {ready_pod("w1", "web"), ready_pod("w2", "web"), ready_pod("a", "api", "10.88.0.2")};
  site.handlers = {handler(site.pods[0]), handler(site.pods[1])};
  site.http_routes = {route_to("r", {{.service = "web", .port = 80, .weight = 3},
                                     {.service = "api", .port = 80, .weight = 1}})};
  const auto built = build_table(site);
  const auto& backends = built.table.routes.at(0).rules.at(0).backends;
  ASSERT_EQ(backends.size(), 3U);
  EXPECT_EQ(backends[0].weight, backends[1].weight);
  EXPECT_EQ(backends[0].weight + backends[1].weight, 3 * backends[2].weight);
  EXPECT_TRUE(std::holds_alternative<gateway::HandlerBackend>(
      find(built.table, backends[0].backend)->kind));
}

// Containers' addresses are one backend, handlers one each: handlers that ask for the service reach
// every pod of it alike.
TEST(Backends, AServiceIsPublishedWithAllItsPods) {
  SiteObjects site;
  site.services = {service("web")};
  site.pods = {ready_pod("w1", "web"), ready_pod("w2", "web"), ready_pod("a", "web", "10.88.0.2"),
               ready_pod("b", "web", "10.88.0.3")};
  site.handlers = {handler(site.pods[0]), handler(site.pods[1])};
  const auto built = build_table(site);
  const auto& services = built.table.services;
  ASSERT_EQ(services.size(), 3U);
  EXPECT_EQ(services[0].backend, "handler/default/w1/main");
  EXPECT_EQ(services[1].backend, "handler/default/w2/main");
  EXPECT_EQ(services[2].backend, "service/default/web:80");
  EXPECT_EQ(services[0].weight, services[1].weight);
  EXPECT_EQ(services[2].weight, 2 * services[0].weight);
}

// The Gateway API: of two equal references of which one leads nowhere, half of the requests must
// fail, not one in a thousand.
TEST(Backends, WhatIsMissingOrNotReadyKeepsItsShare) {
  SiteObjects site;
  site.services = {service("api"), service("idle")};
  site.pods = {ready_pod("a", "api", "10.88.0.2"), ready_pod("b", "api", "10.88.0.3")};
  site.http_routes = {route_to("r", {{.service = "api", .port = 80, .weight = 2},
                                     {.service = "none", .port = 80, .weight = 2},
                                     {.service = "idle", .port = 80, .weight = 4},
                                     {.service = "api", .port = 80, .weight = 0}})};
  const auto built = build_table(site);
  const auto& backends = built.table.routes.at(0).rules.at(0).backends;
  ASSERT_EQ(backends.size(), 4U);
  EXPECT_EQ(backends[0].weight, backends[1].weight);
  EXPECT_EQ(backends[2].weight, 2 * backends[0].weight);
  EXPECT_EQ(backends[3].weight, 0U);
}

// 32 bits are what the gateway draws from, and a handler among very many must not round to nothing.
TEST(Backends, WeightsOfManyBackendsFitAndNoneIsLost) {
  constexpr int kHandlers = 3'000;
  SiteObjects site;
  site.services = {service("many"), service("api")};
  for (int i = 0; i < kHandlers; ++i) {
    site.pods.push_back(ready_pod("m" + std::to_string(i), "many"));
    site.handlers.push_back(handler(site.pods.back()));
  }
  std::vector<object::HttpBackendRef> references = {{.service = "many", .port = 80}};
  references.resize(16, {.service = "api", .port = 80, .weight = 1'000'000});
  site.http_routes = {route_to("r", references)};
  const auto built = build_table(site);
  std::uint64_t sum = 0;
  for (const auto& backend : built.table.routes.at(0).rules.at(0).backends) {
    EXPECT_GT(backend.weight, 0U) << backend.backend;
    sum += backend.weight;
  }
  EXPECT_LE(sum, std::numeric_limits<std::uint32_t>::max());
}

}  // namespace
}  // namespace duet::route
