#include "cluster/ingress_status.h"

#include <gtest/gtest.h>

namespace duet::cluster {
namespace {

Json ingress(const std::string& name, const Json& answered = Json::array()) {
  return {{"metadata", {{"name", name}, {"namespace", "shop"}}},
          {"status", {{"loadBalancer", {{"ingress", answered}}}}}};
}

TEST(IngressStatusPatch, SaysWhereTheIngressIsAnswered) {
  const auto by_ip = ingress_status_patch(ingress("web"), "192.0.2.7");
  ASSERT_TRUE(by_ip);
  EXPECT_EQ(by_ip->dump(), R"({"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.7"}]}}})");
  const auto by_name = ingress_status_patch({{"metadata", Json::object()}}, "shop.example");
  ASSERT_TRUE(by_name);
  EXPECT_EQ(by_name->dump(),
            R"({"status":{"loadBalancer":{"ingress":[{"hostname":"shop.example"}]}}})");
  EXPECT_FALSE(ingress_status_patch(ingress("web", {{{"ip", "192.0.2.7"}}}), "192.0.2.7"));
  EXPECT_TRUE(ingress_status_patch(ingress("web", {{{"ip", "192.0.2.8"}}}), "192.0.2.7"));
}

}  // namespace
}  // namespace duet::cluster
