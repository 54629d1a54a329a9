#include "gateway/cgi_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace duet::gateway {
namespace {

using testing::Contains;
using testing::Key;
using testing::Not;
using testing::Pair;
using Variables = std::map<std::string, std::string>;

// Each variable once: a name that comes twice fails the test.
Variables variables_of(const std::string& block) {
  Variables out;
  for (std::size_t at = 0; at < block.size();) {
    const std::string one = block.c_str() + at;
    at += one.size() + 1;
    const std::size_t equals = one.find('=');
    EXPECT_NE(equals, std::string::npos) << one;
    EXPECT_TRUE(out.emplace(one.substr(0, equals), one.substr(equals + 1)).second) << one;
  }
  return out;
}

CallHead head(std::span<const net::Field> fields = {}) {
  return {.method = "GET",
          .scheme = "http",
          .authority = "shop.test:8080",
          .target = "/shop/a%20b?x=1&y=%41",
          .matched_path = "/shop",
          .fields = fields,
          .client_address = "192.0.2.7"};
}

Variables environment(const CallHead& of,
                      const std::vector<std::pair<std::string, std::string>>& own = {}) {
  const auto block = CgiEnvironment(own).of(of);
  EXPECT_TRUE(block.ok()) << block.error().message();
  return variables_of(*block);
}

TEST(CgiRequest, SaysWhatIsAskedAndByWhom) {
  EXPECT_EQ(environment(head()),
            (Variables{{"GATEWAY_INTERFACE", "CGI/1.1"},
                       {"HTTP_HOST", "shop.test:8080"},
                       {"PATH_INFO", "/a b"},
                       {"QUERY_STRING", "x=1&y=%41"},
                       {"REMOTE_ADDR", "192.0.2.7"},
                       {"REMOTE_HOST", "192.0.2.7"},
                       {"REQUEST_METHOD", "GET"},
                       {"REQUEST_URI", "/shop/a%20b?x=1&y=%41"},
                       {"SCRIPT_NAME", "/shop"},
                       {"SERVER_NAME", "shop.test"},
                       {"SERVER_PORT", "8080"},
                       {"SERVER_PROTOCOL", "HTTP/1.1"},
                       {"SERVER_SOFTWARE", "duet"},
                       {"X_FULL_URL", "http://shop.test:8080/shop/a%20b?x=1&y=%41"},
                       {"X_MATCHED_ROUTE", "/shop/..."},
                       {"X_RAW_PATH_INFO", "/a%20b"}}));
}

TEST(CgiRequest, NamesTheServer) {
  CallHead asked = head();
  const auto expect = [&](const char* authority, const char* scheme, const char* name,
                          const char* port) {
    asked.authority = authority;
    asked.scheme = scheme;
    const Variables found = environment(asked);
    EXPECT_EQ(found.at("SERVER_NAME"), name);
    EXPECT_EQ(found.at("SERVER_PORT"), port);
    EXPECT_EQ(found.contains("HTTPS"), asked.scheme == "https");
  };
  expect("shop.test", "http", "shop.test", "80");
  expect("shop.test", "https", "shop.test", "443");
  expect("shop.test:", "http", "shop.test", "80");
  expect("[::1]:8443", "https", "[::1]", "8443");
  expect("[::1]", "http", "[::1]", "80");
  expect("", "http", "localhost", "80");
}

TEST(CgiRequest, SplitsThePathWhereTheRuleMatched) {
  CallHead asked = head();
  const auto expect = [&](const char* target, const char* matched, bool exactly, const char* script,
                          const char* info, const char* route) {
    SCOPED_TRACE(std::string(target) + " by " + matched);
    asked.target = target;
    asked.matched_path = matched;
    asked.matched_exactly = exactly;
    const Variables found = environment(asked);
    EXPECT_EQ(found.at("SCRIPT_NAME"), script);
    EXPECT_EQ(found.at("PATH_INFO"), info);
    EXPECT_EQ(found.at("X_MATCHED_ROUTE"), route);
  };
  expect("/a/b", "/", false, "", "/a/b", "/...");
  expect("/a/b", "", false, "", "/a/b", "/...");
  expect("/a/b", "/a", false, "/a", "/b", "/a/...");
  expect("/a/b", "/a/", false, "/a", "/b", "/a/...");
  expect("/a", "/a", false, "/a", "", "/a/...");
  expect("/a/b?q", "/a/b", true, "/a/b", "", "/a/b");
  // What a filter made of the path, or what is none.
  expect("/ab", "/a", false, "", "/ab", "/...");
  expect("/other", "/a", false, "", "/other", "/...");
  expect("*", "", false, "", "", "/...");
}

TEST(CgiRequest, RefusesPathsThatNoVariableCanHold) {
  for (const char* target : {"/a%00b", "/%", "/%4", "/%zz", "/a%2"}) {
    CallHead asked = head();
    asked.target = target;
    EXPECT_EQ(CgiEnvironment({}).of(asked).error().code(), ErrorCode::kInvalid) << target;
  }
  CallHead asked = head();
  asked.target = "/shop/%2e%2E/%ff%C3%A4?%00";
  EXPECT_EQ(environment(asked).at("PATH_INFO"), "/../\xff\xc3\xa4");
}

TEST(CgiRequest, DescribesTheBody) {
  const net::Field type{"Content-Type", "text/plain"};
  CallHead asked = head({&type, 1});
  EXPECT_THAT(environment(asked), Contains(Pair("CONTENT_TYPE", "text/plain")));
  EXPECT_THAT(environment(asked), Not(Contains(Key("CONTENT_LENGTH"))));
  EXPECT_THAT(environment(asked), Not(Contains(Key("HTTP_CONTENT_TYPE"))));
  asked.framing = net::Framing::kLength;
  asked.content_length = 12'345;
  EXPECT_THAT(environment(asked), Contains(Pair("CONTENT_LENGTH", "12345")));
  asked.framing = net::Framing::kChunked;
  EXPECT_THAT(environment(asked), Not(Contains(Key("CONTENT_LENGTH"))));
}

TEST(CgiRequest, FieldsBecomeVariables) {
  const std::vector<net::Field> fields = {{"accept-Language", "de"},
                                          {"X-One", "1"},
                                          {"cookie", "a=b"},
                                          {"x-one", "2"},
                                          {"Cookie", "c=d"},
                                          {"X-1", ""},
                                          {"X-ONE", "3"},
                                          {"x-bytes", "\xe4"},
                                          {"x-forwarded-for", "192.0.2.7"}};
  const Variables found = environment(head(fields));
  EXPECT_EQ(found.at("HTTP_ACCEPT_LANGUAGE"), "de");
  EXPECT_EQ(found.at("HTTP_X_ONE"), "1, 2, 3");
  EXPECT_EQ(found.at("HTTP_COOKIE"), "a=b; c=d");
  EXPECT_EQ(found.at("HTTP_X_1"), "");
  EXPECT_EQ(found.at("HTTP_X_BYTES"), "\xe4");
  EXPECT_EQ(found.at("HTTP_X_FORWARDED_FOR"), "192.0.2.7");
}

// Nothing that a client sends becomes a variable that leads the guest astray.
TEST(CgiRequest, ClientsCannotSetWhatIsNotTheirs) {
  const std::vector<net::Field> fields = {{"Proxy", "http://evil.test"},
                                          {"Authorization", "Basic YTpi"},
                                          {"proxy-authorization", "Basic YTpi"},
                                          {"Content-Length", "7"},
                                          {"X_One", "underscore"},
                                          {"x.one", "dot"},
                                          {"Token", "evil"},
                                          {"Host", "evil.test"}};
  const Variables found = environment(head(fields), {{"HTTP_TOKEN", "the pod's"}});
  EXPECT_EQ(found.at("HTTP_TOKEN"), "the pod's");
  EXPECT_EQ(found.at("HTTP_HOST"), "shop.test:8080");
  for (const char* name :
       {"HTTP_PROXY", "HTTP_AUTHORIZATION", "HTTP_PROXY_AUTHORIZATION", "HTTP_CONTENT_LENGTH",
        "CONTENT_LENGTH", "HTTP_X_ONE", "HTTP_X.ONE", "AUTH_TYPE", "REMOTE_USER"}) {
    EXPECT_THAT(found, Not(Contains(Key(name))));
  }
}

TEST(CgiRequest, AuthorizationIsPassedWhereThePodSaysSo) {
  const std::vector<net::Field> fields = {{"authorization", "Basic YTpi"},
                                          {"Proxy-Authorization", "Basic YTpi"}};
  const auto block = CgiEnvironment({}, true).of(head(fields));
  ASSERT_TRUE(block.ok());
  const Variables found = variables_of(*block);
  EXPECT_EQ(found.at("HTTP_AUTHORIZATION"), "Basic YTpi");
  EXPECT_THAT(found, Not(Contains(Key("HTTP_PROXY_AUTHORIZATION"))));
  EXPECT_THAT(found, Not(Contains(Key("AUTH_TYPE"))));
}

TEST(CgiRequest, OwnVariablesStandBesideThem) {
  const std::string cut{"a\0b", 3};
  const Variables found = environment(head(), {{"GREETING", "hi = ho"},
                                               {"SERVER_PORT", "tcp://10.0.0.1:80"},
                                               {"CONTENT_TYPE", "none"},
                                               {"HTTP_PROXY", "http://proxy.test"},
                                               {"CUT", cut}});
  EXPECT_EQ(found.at("GREETING"), "hi = ho");
  EXPECT_EQ(found.at("SERVER_PORT"), "8080");
  EXPECT_EQ(found.at("HTTP_PROXY"), "http://proxy.test");
  EXPECT_THAT(found, Not(Contains(Key("CONTENT_TYPE"))));
  EXPECT_THAT(found, Not(Contains(Key("CUT"))));
}

}  // namespace
}  // namespace duet::gateway
