#include "kubelet/request_attributes.h"

#include <gtest/gtest.h>

namespace duet::kubelet {
namespace {

using Names = std::vector<std::string>;

TEST(RequestAttributes, FollowTheKubeletsTable) {
  EXPECT_EQ(attributes_of("GET", "/containerLogs/default/web/main").subresources, Names{"proxy"});
  EXPECT_EQ(attributes_of("POST", "/exec/default/web/main").verb, "create");
  EXPECT_EQ(attributes_of("GET", "/exec/default/web/main").verb, "get");
  EXPECT_EQ(attributes_of("GET", "/stats/summary").subresources, Names{"stats"});
  EXPECT_EQ(attributes_of("GET", "/metrics/resource").subresources, Names{"metrics"});
  EXPECT_EQ(attributes_of("GET", "/metrics").subresources, Names{"metrics"});
  EXPECT_EQ(attributes_of("GET", "/logs/").subresources, Names{"log"});
  EXPECT_EQ(attributes_of("GET", "/pods").subresources, (Names{"pods", "proxy"}));
  EXPECT_EQ(attributes_of("GET", "/healthz/ping").subresources, (Names{"healthz", "proxy"}));
}

TEST(RequestAttributes, APathThatOnlyBeginsAlikeIsAnother) {
  EXPECT_EQ(attributes_of("GET", "/podsandmore").subresources, Names{"proxy"});
  EXPECT_EQ(attributes_of("GET", "/metricsx").subresources, Names{"proxy"});
  EXPECT_EQ(attributes_of("GET", "").subresources, Names{"proxy"});
  EXPECT_EQ(attributes_of("BREW", "/pods").verb, "");
}

}  // namespace
}  // namespace duet::kubelet
