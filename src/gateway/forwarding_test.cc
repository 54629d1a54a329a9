#include "gateway/forwarding.h"

#include <gtest/gtest.h>

#include "gateway/forwarded_field.h"
#include "gateway/transaction.h"

namespace duet::gateway {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;

// What a gateway that trusts 10.0.0.0/8 and fd00::/8 makes of a request with `lines` from `peer`.
std::optional<RequestOrigin> origin(const std::string& peer, const Lines& lines,
                                    bool standard = false) {
  const auto forwarding =
      Forwarding::make({.trusted_proxies = {"10.0.0.0/8", "fd00::/8"}, .standard = standard});
  EXPECT_TRUE(forwarding.ok());
  net::RequestHead request;
  request.authority = "asked.test";
  for (const auto& [name, value] : lines) {
    request.fields.push_back({name, value, net::field_id(name)});
  }
  const Client client{.listener = "web", .address = peer, .trusted = forwarding->trusts(peer)};
  return forwarding->origin_of(client, request);
}

std::string address(const std::string& peer, const std::string& x_forwarded_for) {
  const auto found = origin(peer, {{"X-Forwarded-For", x_forwarded_for}});
  return found ? found->address : "the peer";
}

TEST(Forwarding, StrangersAreWhoTheyAre) {
  EXPECT_FALSE(origin("192.0.2.9", {{"X-Forwarded-For", "1.2.3.4"}}));
  EXPECT_FALSE(Forwarding().trusts("10.0.0.1"));
  EXPECT_FALSE(Forwarding::make({.trusted_proxies = {"10.0.0.0/33"}}).ok());
}

TEST(Forwarding, TheClientIsTheLastWhoIsNoProxy) {
  EXPECT_EQ(address("10.0.0.1", "1.2.3.4"), "1.2.3.4");
  EXPECT_EQ(address("::ffff:10.0.0.1", "1.2.3.4"), "1.2.3.4");
  EXPECT_EQ(address("10.0.0.1", "9.9.9.9, 1.2.3.4, 10.0.0.2"), "1.2.3.4");
  EXPECT_EQ(address("fd00::1", "2001:db8::5,10.0.0.2 ,\tfd00::2"), "2001:db8::5");
  EXPECT_EQ(address("10.0.0.1", "10.0.0.3, 10.0.0.2"), "10.0.0.3");  // a client inside
  EXPECT_EQ(address("10.0.0.1", "1.2.3.4:5678"), "1.2.3.4");
  EXPECT_EQ(address("10.0.0.1", "[2001:db8::5]:80"), "2001:db8::5");
}

TEST(Forwarding, WhatIsNoAddressEndsTheList) {
  EXPECT_EQ(address("10.0.0.1", ""), "10.0.0.1");
  EXPECT_EQ(address("10.0.0.1", "unknown"), "10.0.0.1");
  EXPECT_EQ(address("10.0.0.1", "1.2.3.4, junk, 10.0.0.2"), "10.0.0.2");
  EXPECT_EQ(address("10.0.0.1", "1.2.3.4,"), "10.0.0.1");
  std::string long_list = "1.2.3.4";
  for (int i = 0; i < 40; ++i) {
    long_list += ",10.0.0.2";
  }
  EXPECT_EQ(address("10.0.0.1", long_list), "10.0.0.2");
}

TEST(Forwarding, FieldsAreAppendedToAndHonoured) {
  const auto found = origin("10.0.0.1", {{"x-forwarded-for", "9.9.9.9"},
                                         {"X-Forwarded-For", "1.2.3.4"},
                                         {"X-Forwarded-Proto", "https"},
                                         {"X-Forwarded-Host", "shop.test:8443"},
                                         {"Forwarded", "for=6.6.6.6;proto=http"}});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->address, "1.2.3.4");
  EXPECT_EQ(found->x_forwarded_for, "9.9.9.9, 1.2.3.4, 10.0.0.1");
  EXPECT_EQ(found->scheme, "https");
  EXPECT_EQ(found->host, "shop.test:8443");
  EXPECT_EQ(found->forwarded, "");  // the other field is not read
  const auto odd =
      origin("10.0.0.1", {{"X-Forwarded-Proto", "gopher"}, {"X-Forwarded-Host", "a b"}});
  EXPECT_EQ(odd->scheme, "http");
  EXPECT_EQ(odd->host, "asked.test");
  EXPECT_EQ(odd->x_forwarded_for, "10.0.0.1");
}

TEST(Forwarding, ForwardedIsReadWhereTheSiteSaysSo) {
  const auto found =
      origin("10.0.0.1",
             {{"Forwarded", "for=9.9.9.9, For=\"[2001:db8::5]:80\";proto=HTTPS;host=\"a.test\""},
              {"Forwarded", "by=_x;for=10.0.0.2;proto=http"},
              {"X-Forwarded-For", "6.6.6.6"}},
             true);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->address, "2001:db8::5");
  EXPECT_EQ(found->scheme, "https");
  EXPECT_EQ(found->host, "a.test");
  EXPECT_EQ(found->x_forwarded_for, "2001:db8::5");
  EXPECT_EQ(found->forwarded,
            "for=9.9.9.9, For=\"[2001:db8::5]:80\";proto=HTTPS;host=\"a.test\", "
            "by=_x;for=10.0.0.2;proto=http, for=10.0.0.1;host=\"asked.test\";proto=http");
}

TEST(Forwarding, ForwardedIsWrittenForStrangersToo) {
  const auto found = origin("2001:db8::9", {{"Forwarded", "for=6.6.6.6"}}, true);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->address, "2001:db8::9");
  EXPECT_EQ(found->forwarded, "for=\"[2001:db8::9]\";host=\"asked.test\";proto=http");
}

TEST(ForwardedField, RefusesWhatTheRfcDoesNotAllow) {
  for (const char* wrong : {"for", "for=", "for=a b", "for=\"a", "for=\"a\\", "=a", "for=a;",
                            "for=a,,for=b", "for=a;for=b", "for=a x", "for=\"a\"b", "f(r=a"}) {
    EXPECT_FALSE(parse_forwarded(wrong)) << wrong;
    const auto found = origin("10.0.0.1", {{"Forwarded", wrong}}, true);
    EXPECT_EQ(found->address, "10.0.0.1");
    EXPECT_EQ(found->forwarded, "for=10.0.0.1;host=\"asked.test\";proto=http") << wrong;
  }
  EXPECT_TRUE(parse_forwarded("")->empty());
  EXPECT_EQ(parse_forwarded("for=\"a\\\"b,;\"")->at(0).node, "a\"b,;");
}

TEST(ForwardedField, NodesAreAddressesWithOrWithoutPorts) {
  EXPECT_FALSE(parse_node("unknown"));
  EXPECT_FALSE(parse_node("_hidden"));
  EXPECT_FALSE(parse_node("[::1"));
  EXPECT_FALSE(parse_node("[::1]x"));
  EXPECT_FALSE(parse_node(""));
  EXPECT_EQ(parse_node("[::1]"), net::IpAddress::parse("::1"));
  EXPECT_EQ(parse_node("1.2.3.4:5"), net::IpAddress::parse("1.2.3.4"));
}

}  // namespace
}  // namespace duet::gateway
