#include "net/ip_address.h"

#include <gtest/gtest.h>

namespace duet::net {
namespace {

TEST(IpAddress, IsWrittenAsItIsRead) {
  for (const char* text : {"192.0.2.1", "0.0.0.0", "2001:db8::1", "::1", "::"}) {
    EXPECT_EQ(IpAddress::parse(text)->text(), text);
  }
  EXPECT_EQ(IpAddress::parse("::ffff:192.0.2.1")->text(), "192.0.2.1");
  EXPECT_EQ(IpAddress::from_bytes("\x7f\x01\x01\x01"), IpAddress::parse("127.1.1.1"));
  EXPECT_EQ(IpAddress::from_bytes("abcdefghijklmnop")->text(),
            "6162:6364:6566:6768:696a:6b6c:6d6e:6f70");
  EXPECT_FALSE(IpAddress::from_bytes("abc"));
}

TEST(IpAddress, ReadsBothFamilies) {
  EXPECT_TRUE(IpAddress::parse("192.0.2.1")->is_v4());
  EXPECT_FALSE(IpAddress::parse("2001:db8::1")->is_v4());
  EXPECT_EQ(IpAddress::parse("::ffff:10.1.2.3"), IpAddress::parse("10.1.2.3"));
  for (const char* wrong : {"", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "::1%lo", "[::1]", "a.b"}) {
    EXPECT_FALSE(IpAddress::parse(wrong).has_value()) << wrong;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("127.0.0.1\0.9", 12)).has_value());
}

TEST(IpAddress, KnowsWhatIsNotForTheInternet) {
  for (const char* special : {"0.0.0.0",
                              "10.255.0.1",
                              "100.64.0.1",
                              "100.127.255.255",
                              "127.0.0.1",
                              "127.8.8.8",
                              "169.254.169.254",
                              "172.16.0.1",
                              "172.31.255.255",
                              "192.0.0.8",
                              "192.168.1.1",
                              "198.19.0.1",
                              "203.0.113.9",
                              "224.0.0.251",
                              "240.0.0.1",
                              "255.255.255.255",
                              "::",
                              "::1",
                              "::ffff:127.0.0.1",
                              "::ffff:169.254.169.254",
                              "::10.0.0.1",
                              "64:ff9b::a00:1",
                              "64:ff9b:1::1",
                              "2002:a00:1::1",
                              "2001::1",
                              "2001:db8::1",
                              "fc00::1",
                              "fd12:3456::1",
                              "fe80::1",
                              "febf::1",
                              "fec0::1",
                              "ff02::1"}) {
    EXPECT_TRUE(IpAddress::parse(special)->is_special()) << special;
  }
  for (const char* common :
       {"1.1.1.1", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.1.1.1",
        "128.0.0.1", "169.253.1.1", "172.15.255.255", "172.32.0.1", "192.167.1.1",
        "223.255.255.255", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1",
        "2606:4700::1111", "2a00::1"}) {
    EXPECT_FALSE(IpAddress::parse(common)->is_special()) << common;
  }
}

TEST(IpRange, SharesAPrefix) {
  const auto contains = [](const char* range, const char* address) {
    return IpRange::parse(range)->contains(*IpAddress::parse(address));
  };
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.255.255"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(contains("10.0.0.0/8", "::ffff:10.1.1.1"));
  EXPECT_TRUE(contains("172.16.0.0/12", "172.31.0.1"));
  EXPECT_FALSE(contains("172.16.0.0/12", "172.32.0.1"));
  EXPECT_TRUE(contains("0.0.0.0/0", "8.8.8.8"));
  EXPECT_FALSE(contains("0.0.0.0/0", "2a00::1"));
  EXPECT_TRUE(contains("::/0", "2a00::1"));
  EXPECT_TRUE(contains("fd00::/8", "fdff::1"));
  EXPECT_TRUE(contains("127.0.0.1", "127.0.0.1"));
  EXPECT_FALSE(contains("127.0.0.1", "127.0.0.2"));
  for (const char* wrong : {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "a/8", "/8"}) {
    EXPECT_FALSE(IpRange::parse(wrong).has_value()) << wrong;
  }
}

}  // namespace
}  // namespace duet::net
