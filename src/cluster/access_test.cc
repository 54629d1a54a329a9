#include "cluster/access.h"

#include <gtest/gtest.h>

namespace duet::cluster {
namespace {

TEST(Endpoint, TakesWhatAKubeconfigMayName) {
  const auto plain = parse_endpoint("https://10.0.0.1:6443");
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->host, "10.0.0.1");
  EXPECT_EQ(plain->port, 6443);
  EXPECT_EQ(plain->server_name, "10.0.0.1");
  EXPECT_EQ(plain->url(), "https://10.0.0.1:6443");

  const auto rancher = parse_endpoint("https://host.example/k8s/clusters/c-1/");
  ASSERT_TRUE(rancher.ok());
  EXPECT_EQ(rancher->port, 443);
  EXPECT_EQ(rancher->path, "/k8s/clusters/c-1");

  const auto v6 = parse_endpoint("https://[::1]:6443");
  ASSERT_TRUE(v6.ok());
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->authority(), "[::1]:6443");
  EXPECT_EQ(parse_endpoint("https://[::1]")->port, 443);
}

TEST(Endpoint, SaysWhatIsWrong) {
  for (const char* bad : {"", "http://a:1", "https://", "https://a:0", "https://a:70000",
                          "https://a:x", "https://a b", "https://a/?x=1", "https://u@a:1", "a:1"}) {
    const auto parsed = parse_endpoint(bad);
    ASSERT_FALSE(parsed.ok()) << bad;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalid);
    EXPECT_NE(parsed.error().message().find("https://HOST:PORT"), std::string::npos);
  }
}

}  // namespace
}  // namespace duet::cluster
