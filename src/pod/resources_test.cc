#include "pod/resources.h"

#include <gtest/gtest.h>

namespace duet::pod {
namespace {

TEST(Resources, RequestsAreSharesAndLimitsAreQuotas) {
  EXPECT_EQ(cpu_shares(object::Resources{}), 2U);
  EXPECT_EQ(cpu_shares({.cpu_request_millis = 1}), 2U);
  EXPECT_EQ(cpu_shares({.cpu_request_millis = 500}), 512U);
  EXPECT_EQ(cpu_shares({.cpu_limit_millis = 250}), 256U);
  EXPECT_EQ(cpu_shares({.cpu_limit_millis = 1000, .cpu_request_millis = 500}), 512U);
  EXPECT_EQ(cpu_quota_us(object::Resources{}), std::nullopt);
  EXPECT_EQ(cpu_quota_us({.cpu_limit_millis = 250}), 25'000);
  EXPECT_EQ(cpu_quota_us({.cpu_limit_millis = 1}), 1'000);
}

TEST(Resources, APodHasWhatItsContainersAskFor) {
  object::PodSpec pod;
  EXPECT_EQ(cpu_shares(pod), 2U);
  pod.containers = {{.name = "a", .resources = {.cpu_request_millis = 500}},
                    {.name = "b", .resources = {.cpu_request_millis = 250}}};
  EXPECT_EQ(cpu_shares(pod), 768U);
  pod.init_containers = {{.name = "i", .resources = {.cpu_request_millis = 2'000}}};
  EXPECT_EQ(cpu_shares(pod), 2'048U);
}

}  // namespace
}  // namespace duet::pod
