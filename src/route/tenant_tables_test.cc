#include "route/tenant_tables.h"

#include <gtest/gtest.h>

namespace duet::route {
namespace {

using gateway::BackendConfig;
using gateway::GroupBackend;
using gateway::HandlerBackend;
using gateway::RouteTable;

object::Meta space(const std::string& name, const std::string& tenant, const std::string& created) {
  object::Meta meta{.name = name, .uid = "uid-" + name, .creation_timestamp = created};
  if (!tenant.empty()) {
    meta.labels[kTenantLabel] = tenant;
  }
  return meta;
}

BackendConfig handler(const std::string& ns, std::vector<gateway::OutboundRule> outbound = {}) {
  HandlerBackend config{.code = "sha256:" + ns, .env = {{"KEY", ns}}, .ns = ns};
  config.limits.wall_ms = 7'000;
  config.allow_outbound = std::move(outbound);
  return {"handler/" + ns, std::move(config)};
}

gateway::Service service(const std::string& ns, const std::string& backend) {
  return {.ns = ns, .name = "web", .port = 80, .backend = backend};
}

const BackendConfig* find(const RouteTable& table, const std::string& name) {
  for (const auto& backend : table.backends) {
    if (backend.name == name) {
      return &backend;
    }
  }
  return nullptr;
}

std::vector<std::string> names(const RouteTable& table) {
  std::vector<std::string> names;
  for (const auto& backend : table.backends) {
    names.push_back(backend.name);
  }
  return names;
}

TEST(TenantTables, WithoutLabelsThereIsOneTable) {
  RouteTable whole;
  whole.backends = {handler("a"), handler("b")};
  std::vector<RouteProblem> problems;
  const GroupTables tables =
      divide_by_tenant(whole, {space("a", "", "1"), space("b", "", "2")}, 4, problems);
  EXPECT_EQ(tables.shared, whole);
  EXPECT_TRUE(tables.tenants.empty());
}

TEST(TenantTables, ATenantsTableHasItsHandlersAndNothingOfOthers) {
  RouteTable whole;
  whole.routes = {{.name = "r", .rules = {{.backends = {{.backend = "handler/a"}}}}}};
  whole.certificates = {{.name = "c", .key_pem = "secret"}};
  whole.backends = {handler("a"), handler("a2"), handler("b"), handler("nobody")};
  whole.services = {service("b", "handler/b")};
  std::vector<RouteProblem> problems;
  const GroupTables tables = divide_by_tenant(
      whole, {space("a", "x", "1"), space("a2", "x", "2"), space("b", "y", "3")}, 4, problems);
  ASSERT_EQ(tables.tenants.size(), 2U);
  const RouteTable& x = tables.tenants.at("x");
  EXPECT_EQ(names(x), (std::vector<std::string>{"handler/a", "handler/a2"}));
  EXPECT_TRUE(x.routes.empty());
  EXPECT_TRUE(x.certificates.empty());
  EXPECT_TRUE(x.services.empty());
  EXPECT_EQ(names(tables.tenants.at("y")), std::vector<std::string>{"handler/b"});
  EXPECT_EQ(tables.shared.routes, whole.routes);
  EXPECT_EQ(find(tables.shared, "handler/a")->kind,
            (BackendConfig{"", GroupBackend{"x", 7'000}}.kind));
  EXPECT_EQ(*find(tables.shared, "handler/nobody"), handler("nobody"));
  EXPECT_EQ(tables.shared.groups, (std::vector<gateway::WorkerGroup>{{"x", {}}, {"y", {}}}));
  EXPECT_TRUE(problems.empty());
}

TEST(TenantTables, ServicesAreKnownToWhoMayAskThem) {
  const BackendConfig pods{"service/b/pods:80",
                           gateway::ProxyBackend{.endpoints = {{"10.0.0.1", 80}}}};
  RouteTable whole;
  whole.backends = {handler("a", {{.host = "web.b"}}), handler("b"),
                    handler("c", {{.host = "web"}}), pods, handler("nobody")};
  whole.services = {service("b", "handler/b"), service("b", pods.name), service("a", "handler/a"),
                    service("nobody", "handler/nobody")};
  std::vector<RouteProblem> problems;
  const GroupTables tables = divide_by_tenant(
      whole, {space("a", "x", "1"), space("b", "y", "2"), space("c", "z", "3")}, 4, problems);
  const RouteTable& x = tables.tenants.at("x");
  EXPECT_EQ(names(x), (std::vector<std::string>{"handler/a", "handler/b", pods.name}));
  EXPECT_EQ(find(x, "handler/b")->kind, (BackendConfig{"", GroupBackend{"", 7'000}}.kind));
  EXPECT_EQ(*find(x, pods.name), pods);
  EXPECT_EQ(x.services.size(), 2U);
  EXPECT_TRUE(tables.tenants.at("y").services.empty());
  EXPECT_TRUE(tables.tenants.at("z").services.empty()) << "its own namespace has no such service";
  EXPECT_EQ(tables.shared.groups,
            (std::vector<gateway::WorkerGroup>{{"x", {"handler/b"}}, {"y", {}}, {"z", {}}}));
}

TEST(TenantTables, ServicesOfOtherGroupsWaitForTheSharedTable) {
  const auto remote = [](const std::string& name) {
    return BackendConfig{name, GroupBackend{"", 1}};
  };
  RouteTable last;
  last.backends = {handler("a"), remote("b1")};
  last.services = {service("a", "handler/a"), service("b", "b1")};
  RouteTable next;
  next.backends = {handler("a2"), remote("b2")};
  next.services = {service("a", "handler/a2"), service("b", "b2")};
  const RouteTable between = before_the_shared(last, next);
  EXPECT_EQ(names(between), (std::vector<std::string>{"handler/a2", "b2", "b1"}));
  EXPECT_EQ(between.services,
            (std::vector<gateway::Service>{service("a", "handler/a2"), service("b", "b1")}));
  EXPECT_EQ(before_the_shared(next, next), next);
  RouteTable moved;
  moved.backends = {remote("handler/a")};
  EXPECT_EQ(before_the_shared(last, moved).backends, std::vector<BackendConfig>{handler("a")});
}

TEST(TenantTables, TheYoungestPastTheLimitAreRefusedAndTold) {
  RouteTable whole;
  whole.backends = {handler("a"), handler("b"), handler("c")};
  std::vector<RouteProblem> problems;
  const GroupTables tables = divide_by_tenant(
      whole,
      {space("c", "z", "3"), space("a", "x", "1"), space("b", "y", "2"), space("empty", "w", "0")},
      2, problems);
  EXPECT_EQ(tables.tenants.size(), 2U);
  const auto* refused =
      std::get_if<gateway::StaticBackend>(&find(tables.shared, "handler/c")->kind);
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->reason, "TooManyTenants");
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].about, (object::ObjectKey{object::Kind::kNamespace, "", "c"}));
  EXPECT_NE(problems[0].message.find("gateway.maxTenants"), std::string::npos);
}

}  // namespace
}  // namespace duet::route
