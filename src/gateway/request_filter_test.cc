#include "gateway/request_filter.h"

#include <gtest/gtest.h>

#include "net/http_request_parser.h"

namespace duet::gateway {
namespace {

std::string text_of(const std::vector<net::Field>& fields) {
  std::string text;
  for (const net::Field& field : fields) {
    text.append(field.name).append("=").append(field.value).append(";");
  }
  return text;
}

TEST(RequestFilter, DropsWhatBelongsToTheConnectionOrMayLie) {
  const std::string text =
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: x-mine, close\r\nX-Mine: 1\r\nKeep-Alive: 3\r\nTE: "
      "trailers\r\n"
      "Proxy-Authorization: x\r\nX-Forwarded-For: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\nX-Other: "
      "2\r\n"
      "Upgrade: h2c\r\nExpect: 100-continue\r\nContent-Length: 0\r\nCookie: c\r\n\r\n";
  net::RequestHead head;
  ASSERT_EQ(net::RequestParser({}).parse(text, head).state, net::ParseResult::State::kDone);
  std::vector<net::Field> fields;
  forwarded_fields(head, fields);
  EXPECT_EQ(text_of(fields), "X-Other=2;Cookie=c;");
}

TEST(RequestFilter, ModifiesFields) {
  std::vector<net::Field> fields{{"A", "1"}, {"B", "2"}, {"b", "3"}, {"C", "4"}};
  // The fields then refer to its text.
  const HeaderModifier modifier{.set = {{"b", "x"}, {"Host", "evil"}, {"D", "y"}},
                                .add = {{"C", "5"}, {"Content-Length", "7"}},
                                .remove = {"a", "Connection"}};
  modify_fields(modifier, fields);
  EXPECT_EQ(text_of(fields), "C=4;b=x;D=y;C=5;");
}

TEST(RequestFilter, ReplacesPrefixesAsTheGatewayApiSays) {
  const struct {
    const char *path, *prefix, *value, *expected;
  } cases[] = {
      {"/foo/bar", "/foo", "/xyz", "/xyz/bar"},
      {"/foo/bar", "/foo", "/xyz/", "/xyz/bar"},
      {"/foo/bar", "/foo/", "/xyz", "/xyz/bar"},
      {"/foo/bar", "/foo/", "/xyz/", "/xyz/bar"},
      {"/foo", "/foo", "/xyz", "/xyz"},
      {"/foo/", "/foo", "/xyz", "/xyz/"},
      {"/foo/bar", "/foo", "", "/bar"},
      {"/foo/", "/foo", "", "/"},
      {"/foo", "/foo", "", "/"},
      {"/foo/", "/foo", "/", "/"},
      {"/foo", "/foo", "/", "/"},
      {"/foo", "/", "/xyz", "/xyz/foo"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(modify_path({PathModifier::Type::kReplacePrefixMatch, c.value}, c.path, c.prefix),
              c.expected)
        << c.path << " " << c.prefix << " " << c.value;
  }
  EXPECT_EQ(modify_path({PathModifier::Type::kReplaceFullPath, "/new"}, "/foo/bar", "/foo"),
            "/new");
}

TEST(RequestFilter, SaysWhereARedirectLeads) {
  const std::string text = "GET /a/b?c HTTP/1.1\r\nHost: Shop.test:8080\r\n\r\n";
  net::RequestHead head;
  ASSERT_EQ(net::RequestParser({}).parse(text, head).state, net::ParseResult::State::kDone);
  const auto location = [&head](const Redirect& redirect) {
    return redirect_location(redirect, "http", head, "/a");
  };
  EXPECT_EQ(location({.hostname = "new.test"}), "http://new.test:8080/a/b?c");
  EXPECT_EQ(location({.scheme = "https"}), "https://Shop.test/a/b?c");
  EXPECT_EQ(location({.scheme = "https", .port = 8443}), "https://Shop.test:8443/a/b?c");
  EXPECT_EQ(location({.port = 80}), "http://Shop.test/a/b?c");
  EXPECT_EQ(location({.path = PathModifier{PathModifier::Type::kReplacePrefixMatch, "/z"}}),
            "http://Shop.test:8080/z/b?c");
}

}  // namespace
}  // namespace duet::gateway
