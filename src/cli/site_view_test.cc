#include "cli/site_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace duet::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

gateway::RouteTable table_of(std::vector<std::string> hostnames) {
  using Type = gateway::PathMatch::Type;
  gateway::Rule rule;
  rule.matches = {{.path = {Type::kPrefix, "/menu"}}, {.path = {Type::kExact, "/"}}};
  rule.backends = {{.backend = "handler/shop/front"}, {.backend = "service/shop/api:80"}};
  gateway::RouteTable table;
  table.listeners = {{"web", "0.0.0.0:8080"}};
  table.routes = {
      {.name = "HTTPRoute shop/shop", .hostnames = std::move(hostnames), .rules = {rule}}};
  return table;
}

TEST(DescribeRoutes, HasALineForEachHostAndPath) {
  EXPECT_THAT(describe_routes(table_of({})),
              ElementsAre(ElementsAre("http://localhost:8080/menu...", "HTTPRoute shop/shop",
                                      "handler/shop/front, service/shop/api:80"),
                          ElementsAre("http://localhost:8080/", "HTTPRoute shop/shop",
                                      "handler/shop/front, service/shop/api:80")));
  const auto named = describe_routes(table_of({"a.test", "*.b.test"}));
  ASSERT_EQ(named.size(), 4U);
  EXPECT_EQ(named[0][0], "http://a.test:8080/menu...");
  EXPECT_EQ(named[3][0], "http://*.b.test:8080/");
}

TEST(SiteView, TellsOfRoutesThatComeChangeAndGo) {
  std::string text;
  const sys::SystemClock clock;
  SiteView view(
      SiteView::Style::kLines, clock, [&](const std::string& piece) { text += piece; },
      [] { return api::TerminalSize(); });
  auto table = table_of({"a.test", "b.test"});
  view.routes(table);
  EXPECT_THAT(text, HasSubstr("route http://b.test:8080/menu...  HTTPRoute shop/shop  handler"));
  text.clear();
  view.routes(table);
  EXPECT_EQ(text, "");
  table.routes[0].hostnames = {"a.test"};
  table.routes[0].rules[0].backends.pop_back();
  view.routes(table);
  EXPECT_THAT(text,
              HasSubstr("route http://a.test:8080/  HTTPRoute shop/shop  handler/shop/front\n"));
  EXPECT_THAT(text, HasSubstr("route http://b.test:8080/  HTTPRoute shop/shop  gone\n"));
  EXPECT_THAT(text, Not(HasSubstr("a.test:8080/  HTTPRoute shop/shop  gone")));
}

}  // namespace
}  // namespace duet::cli
