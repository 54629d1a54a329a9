#include "gateway/guest_request.h"

#include <gtest/gtest.h>

namespace duet::gateway {
namespace {

using Fields = std::vector<engine::Field>;

struct Case {
  const char* name;
  engine::OutgoingHead head;
  Fields fields;
  bool taken;
};

engine::OutgoingHead asking(std::string_view method, std::string_view authority,
                            std::string_view target) {
  return {.method = method, .scheme = "http", .authority = authority, .path_with_query = target};
}

const Case kCases[] = {
    {"a path", asking("GET", "a.test", "/x?y"), {}, true},
    {"a port", asking("GET", "a.test:8080", "/"), {}, true},
    {"an address", asking("GET", "[::1]:80", "/"), {}, true},
    {"no path", asking("GET", "a.test", ""), {}, true},
    {"all of a server", asking("OPTIONS", "a.test", "*"), {}, true},
    {"all of a server by GET", asking("GET", "a.test", "*"), {}, false},
    {"a tunnel", asking("CONNECT", "a.test", "/"), {}, false},
    {"a method with a space", asking("GET /", "a.test", "/"), {}, false},
    {"no authority", asking("GET", "", "/"), {}, false},
    {"a user", asking("GET", "user@a.test", "/"), {}, false},
    {"another host behind the port", asking("GET", "a.test:80@b.test", "/"), {}, false},
    {"bytes outside ASCII", asking("GET", "a.test", "/\xc3\xa4"), {}, false},
    {"a space", asking("GET", "a.test", "/ HTTP/1.1"), {}, false},
    {"a fragment", asking("GET", "a.test", "/#x"), {}, false},
    {"a relative path", asking("GET", "a.test", "x"), {}, false},
    {"a length", asking("POST", "a.test", "/"), {{"content-length", "5"}}, true},
    {"two lengths",
     asking("POST", "a.test", "/"),
     {{"content-length", "5"}, {"content-length", "5"}},
     false},
    {"half a number", asking("POST", "a.test", "/"), {{"content-length", "5x"}}, false},
    {"no number", asking("POST", "a.test", "/"), {{"content-length", ""}}, false},
    {"a huge number",
     asking("POST", "a.test", "/"),
     {{"content-length", "18446744073709551616"}},
     false},
    {"a number that no server takes",
     asking("POST", "a.test", "/"),
     {{"content-length", "3554405518700779744"}},
     false},
};

TEST(GuestRequest, IsReadStrictly) {
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.name);
    engine::OutgoingHead head = one.head;
    head.headers = one.fields;
    std::vector<net::Field> fields;
    CallHead call;
    EXPECT_EQ(read_guest_request(head, fields, call) == nullptr, one.taken);
  }
}

TEST(GuestRequest, LeavesOutFieldsOfTheConnection) {
  const Fields said = {{"connection", "x"}, {"x-kept", "1"},  {"transfer-encoding", "chunked"},
                       {"upgrade", "h2c"},  {"host", "evil"}, {"content-length", "7"}};
  engine::OutgoingHead head = asking("POST", "a.test", "/");
  head.headers = said;
  std::vector<net::Field> fields;
  CallHead call;
  ASSERT_EQ(read_guest_request(head, fields, call), nullptr);
  ASSERT_EQ(call.fields.size(), 1U);
  EXPECT_EQ(call.fields[0].name, "x-kept");
  EXPECT_EQ(call.framing, net::Framing::kLength);
  EXPECT_EQ(call.content_length, 7U);
}

TEST(GuestRequest, HasNoBodyWhereNoneIsUsual) {
  for (const auto& [method, framing] :
       {std::pair{"GET", net::Framing::kNone}, std::pair{"HEAD", net::Framing::kNone},
        std::pair{"POST", net::Framing::kChunked}}) {
    std::vector<net::Field> fields;
    CallHead call;
    ASSERT_EQ(read_guest_request(asking(method, "a.test", "/"), fields, call), nullptr);
    EXPECT_EQ(call.framing, framing) << method;
  }
}

}  // namespace
}  // namespace duet::gateway
