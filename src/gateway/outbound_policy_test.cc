#include "gateway/outbound_policy.h"

#include <gtest/gtest.h>

namespace duet::gateway {
namespace {

bool allows(const std::vector<OutboundRule>& rules, const std::string& scheme,
            const std::string& authority) {
  return OutboundPolicy(rules, "default").allows(scheme, parse_destination(scheme, authority));
}

bool allows_address(const std::vector<OutboundRule>& rules, const std::string& authority,
                    const std::string& address) {
  return OutboundPolicy(rules, "default")
      .allows_address("http", parse_destination("http", authority),
                      *net::IpAddress::parse(address));
}

TEST(OutboundPolicy, NothingIsAllowedButWhatIsNamed) {
  EXPECT_FALSE(allows({}, "http", "a.test"));
  const std::vector<OutboundRule> rules = {{"http", "a.test", 0}, {"https", "*.b.test", 8443}};
  EXPECT_TRUE(allows(rules, "http", "a.test"));
  EXPECT_TRUE(allows(rules, "http", "A.Test:80"));
  EXPECT_FALSE(allows(rules, "http", "a.test:81"));
  EXPECT_FALSE(allows(rules, "https", "a.test"));
  EXPECT_FALSE(allows(rules, "http", "x.a.test"));
  EXPECT_TRUE(allows(rules, "https", "x.y.b.test:8443"));
  EXPECT_FALSE(allows(rules, "https", "b.test:8443"));
  EXPECT_FALSE(allows(rules, "https", "xb.test:8443"));
}

TEST(OutboundPolicy, ServicesAreNamedInAnyForm) {
  for (const char* form :
       {"api", "api.default", "api.default.svc", "api.default.svc.cluster.local"}) {
    const std::vector<OutboundRule> rules = {{"http", form, 8080}};
    for (const char* asked :
         {"api:8080", "api.default:8080", "api.default.svc.cluster.local:8080"}) {
      EXPECT_TRUE(allows(rules, "http", asked)) << form << " " << asked;
    }
    EXPECT_FALSE(allows(rules, "http", "api.other:8080")) << form;
  }
}

TEST(OutboundPolicy, AddressesAreNamedByThemselvesOrTheirRange) {
  const std::vector<OutboundRule> rules = {
      {"http", "127.0.0.1", 81}, {"http", "10.1.0.0/16", 80}, {"http", "fd00::/8", 80}};
  EXPECT_TRUE(allows(rules, "http", "127.0.0.1:81"));
  EXPECT_TRUE(allows(rules, "http", "[::ffff:127.0.0.1]:81"));
  EXPECT_FALSE(allows(rules, "http", "127.0.0.2:81"));
  EXPECT_TRUE(allows(rules, "http", "10.1.2.3"));
  EXPECT_FALSE(allows(rules, "http", "10.2.2.3"));
  EXPECT_FALSE(allows(rules, "http", "10.1.2.3:81"));
  EXPECT_TRUE(allows(rules, "http", "[fd00::1]"));
  EXPECT_FALSE(allows(rules, "http", "8.8.8.8"));
}

TEST(OutboundPolicy, AnyHostMeansTheInternet) {
  const std::vector<OutboundRule> rules = {{"http", "*", 80}};
  EXPECT_TRUE(allows(rules, "http", "a.test"));
  EXPECT_TRUE(allows(rules, "http", "8.8.8.8"));
  for (const char* special : {"127.0.0.1", "169.254.169.254", "10.0.0.1", "[::1]",
                              "[::ffff:10.0.0.1]", "[fe80::1]", "0.0.0.0"}) {
    EXPECT_FALSE(allows(rules, "http", special)) << special;
  }
}

TEST(OutboundPolicy, ANameSaysNothingOfItsAddresses) {
  const std::vector<OutboundRule> by_name = {{"http", "a.test", 80}};
  EXPECT_TRUE(allows_address(by_name, "a.test", "8.8.8.8"));
  EXPECT_FALSE(allows_address(by_name, "a.test", "10.0.0.1"));
  EXPECT_FALSE(allows_address(by_name, "a.test", "::ffff:127.0.0.1"));
  std::vector<OutboundRule> both = by_name;
  both.push_back({"http", "10.0.0.0/24", 80});
  EXPECT_TRUE(allows_address(both, "a.test", "10.0.0.1"));
  EXPECT_FALSE(allows_address(both, "a.test", "10.0.1.1"));
  EXPECT_FALSE(allows_address({{"http", "a.test", 81}, {"http", "10.0.0.0/24", 80}}, "a.test:81",
                              "10.0.0.1"));
}

TEST(OutboundPolicy, LocalhostIsNamedByItsName) {
  EXPECT_TRUE(allows_address({{"http", "localhost", 81}}, "localhost:81", "127.0.0.1"));
  EXPECT_FALSE(allows_address({{"http", "localhost", 81}}, "localhost:81", "10.0.0.1"));
  EXPECT_FALSE(allows_address({{"http", "localhost", 81}}, "a.test:81", "127.0.0.1"));
  EXPECT_FALSE(allows_address({{"http", "*", 81}}, "localhost:81", "127.0.0.1"));
}

TEST(Destination, HasAHostAndAPort) {
  const auto text = [](const char* scheme, const char* authority) {
    const Destination parsed = parse_destination(scheme, authority);
    return parsed.host + " " + std::to_string(parsed.port);
  };
  EXPECT_EQ(text("http", "A.test"), "a.test 80");
  EXPECT_EQ(text("https", "a.test"), "a.test 443");
  EXPECT_EQ(text("http", "a.test:8080"), "a.test 8080");
  EXPECT_EQ(text("http", "[::1]:8080"), "::1 8080");
  EXPECT_EQ(text("http", "[::1]"), "::1 80");
}

}  // namespace
}  // namespace duet::gateway
