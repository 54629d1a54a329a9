#include <gtest/gtest.h>

#include "gateway/config.h"

namespace duet::gateway {
namespace {

RouteTable full_table() {
  RouteTable table{.generation = 18'000'000'000'000'000'000U};
  table.listeners = {{"web", "0.0.0.0:80"},
                     {"secure", "0.0.0.0:443", true, true},
                     {.name = "pod", .address = "10.0.0.1:80", .own_routes = true}};
  table.forwarding = {.trusted_proxies = {"10.0.0.0/8"}, .standard = true};
  table.certificates = {{"Secret a/b", {"a.test", "*.b.test"}, "chain", "key"}};
  table.authorities_pem = "authorities";
  Rule rule;
  rule.matches = {{.path = {PathMatch::Type::kRegularExpression, "/a.*"},
                   .headers = {{"X", "1", true}},
                   .query = {{"q", ""}},
                   .method = "GET"},
                  {.path = {PathMatch::Type::kExact, "/exact"}},
                  {.path = {PathMatch::Type::kPrefix, "/prefix"}}};
  rule.filters.request_headers = {.set = {{"A", "1"}}, .add = {{"B", "2"}}, .remove = {"C"}};
  rule.filters.redirect = Redirect{.scheme = "https", .port = 0, .status = 301};
  rule.filters.rewrite = UrlRewrite{
      .hostname = "h", .path = PathModifier{PathModifier::Type::kReplacePrefixMatch, "/x"}};
  rule.backends = {{.backend = "static", .weight = 0}, {.backend = "pods", .weight = 3}};
  rule.request_timeout_ms = 7;
  table.routes = {
      {.name = "HTTPRoute a/b",
       .listeners = {"web"},
       .hostnames = {"*.x"},
       .wildcard = Route::Wildcard::kOneLabel,
       .policy = {.request_bytes = 0, .rate = {.count = 7, .burst = 0}, .compress = true},
       .rules = {rule, {}}}};
  HandlerBackend handler{
      .code = "sha256:1", .use = engine::Use::kWagi, .env = {{"K", "V"}, {"E", ""}}, .args = {"a"}};
  handler.limits.cpu_ms = 0;
  handler.passes_authorization = true;
  handler.reuse = {.requests = 9, .concurrency = 3};
  handler.allow_outbound = {{"http", "api", 80}};
  table.backends = {{"static", StaticBackend{.status = 500, .reason = "R", .body = "b"}},
                    {"pods", ProxyBackend{.endpoints = {{"10.0.0.1", 80}},
                                          .http2 = true,
                                          .idle_timeout_ms = 0,
                                          .retry_limit = 0,
                                          .failure_limit = 9,
                                          .counts_errors = true}},
                    {"code", handler},
                    {"files", FilesBackend{.folder = "/srv/www", .path = "a"}}};
  table.services = {{"default", "api", 8080, "pods"}};
  return table;
}

TEST(RouteTableJson, GoesThereAndBack) {
  const RouteTable table = full_table();
  const auto parsed = parse_route_table(format_route_table(table));
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_EQ(*parsed, table);
  EXPECT_EQ(*parse_route_table(format_route_table({})), RouteTable{});
}

TEST(RouteTableJson, SaysWhereItIsWrong) {
  const struct {
    const char *json, *message;
  } cases[] = {
      {"{", "the route table is not JSON"},
      {"[]", "table must be an object"},
      {R"({"routes":{}})", "table.routes must be a list"},
      {R"({"routes":[{"name":1}]})", "table.routes[0].name must be a string"},
      {R"({"routes":[{"nam":"x"}]})", "table.routes[0] has an unknown key"},
      {R"({"services":[{"port":99999999999}]})",
       "table.services[0].port must be a number in range"},
      {R"({"backends":[{"name":"x","proxy":{"http2":1}}]})",
       "table.backends[0].proxy.http2 must be true or false"},
      {R"({"backends":[{"name":"x","handler":{"env":[["a"]]}}]})",
       "table.backends[0].handler.env[0] must be a pair"},
  };
  for (const auto& c : cases) {
    const auto parsed = parse_route_table(c.json);
    ASSERT_FALSE(parsed.ok()) << c.json;
    EXPECT_EQ(parsed.error().message(), c.message);
  }
}

}  // namespace
}  // namespace duet::gateway
