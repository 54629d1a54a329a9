#include "gateway/route_index.h"

#include <gtest/gtest.h>

#include "net/http_request_parser.h"

namespace duet::gateway {
namespace {

struct Shape {
  std::string hosts;  // comma-separated
  PathMatch::Type type = PathMatch::Type::kPrefix;
  std::string path = "/";
  std::string method;
  std::vector<ValueMatch> headers;
  std::vector<ValueMatch> query;
  std::string listener;
};

constexpr auto kExact = PathMatch::Type::kExact;
constexpr auto kRegex = PathMatch::Type::kRegularExpression;

RouteTable table_of(const std::vector<std::pair<std::string, Shape>>& shapes) {
  RouteTable table;
  for (const auto& [name, shape] : shapes) {
    Route route{.name = name};
    for (std::size_t at = 0; at < shape.hosts.size();) {
      const std::size_t comma = std::min(shape.hosts.find(',', at), shape.hosts.size());
      route.hostnames.push_back(shape.hosts.substr(at, comma - at));
      at = comma + 1;
    }
    if (!shape.listener.empty()) {
      route.listeners = {shape.listener};
    }
    route.rules.push_back({.matches = {{.path = {shape.type, shape.path},
                                        .headers = shape.headers,
                                        .query = shape.query,
                                        .method = shape.method}}});
    table.routes.push_back(std::move(route));
  }
  return table;
}

// The name of the route for a request written as lines; "-": none.
std::string find(const RouteTable& table, const std::string& request_line,
                 const std::string& fields, const std::string& listener = "web",
                 decltype(&RouteIndex::find) how = &RouteIndex::find) {
  auto index = RouteIndex::build(table);
  EXPECT_TRUE(index.ok());
  const std::string text = request_line + " HTTP/1.1\r\n" + fields + "\r\n";
  net::RequestHead head;
  EXPECT_EQ(net::RequestParser({}).parse(text, head).state, net::ParseResult::State::kDone) << text;
  const auto match = ((*index).*how)(listener, head);
  return match ? match->route->name : "-";
}

struct Case {
  const char* line;
  const char* fields;
  const char* expected;
};

TEST(RouteIndex, PrefersPathsAsTheGatewayApiSays) {
  const RouteTable table = table_of({
      {"root", {}},
      {"foo", {.path = "/foo"}},
      {"foo-slash", {.path = "/bar/"}},
      {"foo-bar", {.path = "/foo/bar"}},
      {"exact", {.type = kExact, .path = "/foo/bar"}},
      {"regex", {.type = kRegex, .path = "/foo/[0-9]+"}},
      {"longer-regex", {.type = kRegex, .path = "/foo/[0-9][0-9]+"}},
      {"post", {.path = "/foo", .method = "POST"}},
      {"header", {.path = "/foo", .headers = {{"X-A", "1"}}}},
      {"headers", {.path = "/foo", .headers = {{"x-a", "1"}, {"x-b", "[0-9]", true}}}},
      {"query", {.path = "/foo", .query = {{"q", "1"}}}},
  });
  const Case cases[] = {
      {"GET /", "Host: a\r\n", "root"},
      {"GET /x", "Host: a\r\n", "root"},
      {"GET /foo", "Host: a\r\n", "foo"},
      {"GET /foo/", "Host: a\r\n", "foo"},
      {"GET /foobar", "Host: a\r\n", "root"},
      {"GET /bar", "Host: a\r\n", "foo-slash"},
      {"GET /bar/x", "Host: a\r\n", "foo-slash"},
      {"GET /foo/bar", "Host: a\r\n", "exact"},
      {"GET /foo/bar/", "Host: a\r\n", "foo-bar"},
      {"GET /foo/bar/x?y=z", "Host: a\r\n", "foo-bar"},
      {"GET /foo/1", "Host: a\r\n", "regex"},
      {"GET /foo/12", "Host: a\r\n", "longer-regex"},
      {"GET /foo/1x", "Host: a\r\n", "foo"},
      {"POST /foo", "Host: a\r\n", "post"},
      {"POST /foo", "Host: a\r\nX-A: 1\r\n", "post"},
      {"GET /foo", "Host: a\r\nX-A: 1\r\n", "header"},
      {"GET /foo", "Host: a\r\nX-A: 2\r\n", "foo"},
      {"GET /foo", "Host: a\r\nX-A: 1\r\nx-B: 7\r\n", "headers"},
      {"GET /foo", "Host: a\r\nX-A: 1\r\nx-B: 77\r\n", "header"},
      {"GET /foo?q=1", "Host: a\r\n", "query"},
      {"GET /foo?p=0&q=1", "Host: a\r\nX-A: 1\r\n", "header"},
      {"GET /foo?q=12", "Host: a\r\n", "foo"},
      {"GET /foo?qq=1&q", "Host: a\r\n", "foo"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(find(table, c.line, c.fields), c.expected) << c.line << " " << c.fields;
  }
}

TEST(RouteIndex, PrefersHostsAsTheGatewayApiSays) {
  const RouteTable table = table_of({
      {"any", {}},
      {"wild", {.hosts = "*.example.com"}},
      {"deep", {.hosts = "*.b.example.com"}},
      {"exact", {.hosts = "a.example.com,x.test"}},
      {"exact-path", {.hosts = "only.example.com", .path = "/only"}},
  });
  const Case cases[] = {
      {"GET /", "Host: a.example.com\r\n", "exact"},
      {"GET /", "Host: A.Example.COM:8080\r\n", "exact"},
      {"GET /", "Host: a.example.com.\r\n", "exact"},
      {"GET /", "Host: x.test\r\n", "exact"},
      {"GET /", "Host: c.example.com\r\n", "wild"},
      {"GET /", "Host: c.d.example.com\r\n", "wild"},
      {"GET /", "Host: c.b.example.com\r\n", "deep"},
      {"GET /", "Host: b.example.com\r\n", "wild"},
      {"GET /", "Host: example.com\r\n", "any"},
      {"GET /", "Host: xexample.com\r\n", "any"},
      {"GET /", "Host: [::1]:80\r\n", "any"},
      {"GET /only/x", "Host: only.example.com\r\n", "exact-path"},
      {"GET /", "Host: only.example.com\r\n", "wild"},
      {"GET http://a.example.com/", "Host: other\r\n", "exact"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(find(table, c.line, c.fields), c.expected) << c.line << " " << c.fields;
  }
}

TEST(RouteIndex, AnIngressWildcardTakesOneLabel) {
  RouteTable table = table_of({
      {"any", {}},
      {"wild", {.hosts = "*.example.com"}},
      {"many", {.hosts = "*.deep.test"}},
  });
  table.routes[1].wildcard = Route::Wildcard::kOneLabel;
  const Case cases[] = {
      {"GET /", "Host: a.example.com\r\n", "wild"},
      {"GET /", "Host: a.b.example.com\r\n", "any"},
      {"GET /", "Host: example.com\r\n", "any"},
      {"GET /", "Host: a.b.deep.test\r\n", "many"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(find(table, c.line, c.fields), c.expected) << c.line << " " << c.fields;
  }
}

TEST(RouteIndex, PrefersTheEarlierRouteAmongEquals) {
  const RouteTable table = table_of({{"first", {.path = "/a"}}, {"second", {.path = "/a"}}});
  EXPECT_EQ(find(table, "GET /a", "Host: a\r\n"), "first");
}

TEST(RouteIndex, KeepsListenersApart) {
  const RouteTable table = table_of({{"web", {.listener = "web"}}, {"pod", {.listener = "pod"}}});
  EXPECT_EQ(find(table, "GET /a", "Host: a\r\n", "web"), "web");
  EXPECT_EQ(find(table, "GET /a", "Host: a\r\n", "pod"), "pod");
  EXPECT_EQ(find(table, "GET /a", "Host: a\r\n", "other"), "-");
}

TEST(RouteIndex, AListenerOfItsOwnHasItsRoutesAndNoOther) {
  RouteTable table = table_of({{"any", {}},
                               {"pod", {.hosts = "pod.test", .path = "/a", .listener = "pod"}},
                               {"both", {.path = "/both", .listener = "web"}}});
  table.listeners = {{.name = "web"}, {.name = "pod", .own_routes = true}};
  table.routes[2].listeners.emplace_back("pod");
  const Case cases[] = {
      {"GET /a", "Host: a\r\n", "pod"},
      {"GET /both", "Host: a\r\n", "both"},
      {"GET /", "Host: pod.test\r\n", "-"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(find(table, c.line, c.fields, "pod", &RouteIndex::find_own), c.expected) << c.line;
  }
  EXPECT_EQ(find(table, "GET /a", "Host: pod.test\r\n"), "any");
  EXPECT_EQ(find(table, "GET /both", "Host: a\r\n"), "both");
  EXPECT_EQ(find(table, "GET /a", "Host: a\r\n", "gone", &RouteIndex::find_own), "-");
}

TEST(RouteIndex, RefusesWhatItCannotSearch) {
  const auto wrong_expression =
      RouteIndex::build(table_of({{"r", {.type = kRegex, .path = "/(a"}}}));
  ASSERT_FALSE(wrong_expression.ok());
  EXPECT_NE(wrong_expression.error().message().find("r: regular expression '/(a'"),
            std::string::npos)
      << wrong_expression.error().message();
  EXPECT_FALSE(RouteIndex::build(table_of({{"r", {.path = "a"}}})).ok());
}

}  // namespace
}  // namespace duet::gateway
